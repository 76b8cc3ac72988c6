"""Name the baselines: sources of images that are scored as models are, but are not models."""

TEST = "test_images"  # the real test images
COPIES = "train_copies"  # training images in place of samples
BLURRED = "blurred"  # training images, blurred by one pixel
NOISE = "noise"  # uniform noise
SHOWN = {  # the baselines in every table of scores, with their titles
    TEST: "real test images",
    COPIES: "training images",
    BLURRED: "training images, blurred by one pixel",
    NOISE: "uniform noise",
    "gaussian": "one Gaussian over all pixels",
    "centroids": "k-means centroids of the training images",
}
CORRUPTED = "corrupted_"  # prefix of baselines that only the sensitivity check needs
