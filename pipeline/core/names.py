"""The names of the baselines: sources of images that are scored as models are, and are none."""

TEST = "test_images"  # the real test images
COPIES = "train_copies"  # training images, handed out as samples
BLURRED = "blurred"  # training images, blurred by one pixel
NOISE = "noise"  # uniform noise
SHOWN = (TEST, COPIES, BLURRED, NOISE, "gaussian", "centroids")  # in every table of scores
CORRUPTED = "corrupted_"  # begins the name of a baseline that only the sensitivity check needs
