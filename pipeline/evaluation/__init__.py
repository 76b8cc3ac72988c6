"""Every score of a set of samples, by one protocol for models, real images and known damage.

The reference are the test images, which no model was trained on. Where two sets are compared as equals, both are cut in
halves: each half of the samples is scored against one half of the test images, and the two scores are averaged. So the
test images themselves are scored with the very same numbers, one half against the other: that is the floor, what real
images get. All other scores take a draw as a whole.
"""
