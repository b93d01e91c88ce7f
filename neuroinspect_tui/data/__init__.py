"""Image data sets: folders, manifests and torchvision sets, read once and safely."""
