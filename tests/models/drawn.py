"""Small noisy pictures of four colours, drawn for the tests of whole runs."""

import numpy as np
import torch
from PIL import Image

COLOURS = {"a-red": (150, 60, 60), "b-green": (60, 150, 60), "c-blue": (60, 60, 150), "d-dark": (60, 60, 60)}
SIDE = 64


def draw(root, classes=4, each=16, splits=("train", "val", "test"), spread=25):
    """Write `each` pictures of 64 pixels of each class and split below `root`; return it."""
    generator = np.random.default_rng(0)
    for split in splits:
        for name, colour in list(COLOURS.items())[:classes]:
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(each):
                own = np.array(colour) + generator.normal(0, spread, 3)
                pixels = own + generator.normal(0, 20, (SIDE, SIDE, 3))
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
    return root


def pixels(root, split):
    """Return images [N,3,64,64] in 0…1 and labels [N] of a split, in the order of names."""
    images, labels = [], []
    for label, folder in enumerate(sorted((root / split).iterdir())):
        for file in sorted(folder.iterdir()):
            images.append(np.asarray(Image.open(file)))
            labels.append(label)
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float().contiguous() / 255
    return stacked, torch.tensor(labels)
