"""Read labelled images from idx and npz files, verify the known data sets, and check the user's own."""

import gzip
import hashlib
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.data.dataset import Dataset

SIDE = 28
IDX = {"images": (2051, 3), "labels": (2049, 1)}  # the magic number of such a file, and the axes of its array
CLASSES = range(2, 101)  # allowed numbers of classes
LEAST_PER_CLASS = 2  # training images

# The name of each array, and of the idx file that holds it.
FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}

# SHA-256 of the decompressed files.
DIGESTS = {
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}

CLASS_NAMES = {
    "mnist": [str(digit) for digit in range(10)],
    "fashion-mnist": (
        "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot".split(", ")
    ),
}


def load_folder(folder: Path) -> Dataset:
    """Return the data set in a folder of four idx files, plain or .gz; the test files begin with t10k- or test-."""
    paths = {array: find_idx(folder, name) for array, name in FILES.items()}
    arrays = {array: parse_idx(path.read_bytes(), array.rpartition("_")[2], str(path)) for array, path in paths.items()}
    return checked(arrays, {array: f"{path} ({array})" for array, path in paths.items()})


def load_npz(path: Path) -> Dataset:
    """Return the data set in an npz archive: train_images, train_labels, test_images and test_labels."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} was expected to be an npz archive, but is none. Write it with numpy.savez.")
    with np.load(path, allow_pickle=False) as archive:
        if missing := [array for array in FILES if array not in archive.files]:
            raise ValueError(
                f"{path} was expected to hold {', '.join(FILES)}, but lacks {', '.join(missing)} "
                f"(it holds: {', '.join(archive.files) or 'nothing'}). Save it with these names."
            )
        arrays = {array: read_array(archive, array, path) for array in FILES}
    return checked(arrays, {array: f"{path}, array {array}" for array in FILES})


def read_array(archive: np.lib.npyio.NpzFile, array: str, path: Path) -> np.ndarray:
    """Return one array of an npz archive, and refuse one that is damaged or pickled."""
    try:
        return archive[array]
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path}, array {array}, was expected to be a plain numeric array, but cannot be read: {error}. "
            "Save it again, without Python objects."
        ) from error


def find_idx(folder: Path, name: str) -> Path:
    """Return the path of an idx file, plain or .gz, under its own name or beginning with test-."""
    stems = [name, name.replace("t10k-", "test-")]
    for candidate in (folder / f"{stem}{ending}" for stem in stems for ending in ("", ".gz")):
        if candidate.is_file():
            return candidate
    raise ValueError(f"{folder} was expected to hold {name}, plain or .gz, but does not. Put it there.")


def parse_idx(content: bytes, what: str, name: str) -> np.ndarray:
    """Return the images (n, rows, columns) or labels (n,) in an idx file, gzip or not; `name` is for messages."""
    magic, axes = IDX[what]
    content = decompressed(content, name)
    header = np.frombuffer(content[: len(content) // 4 * 4][: 4 + 4 * axes], ">u4").tolist()
    if header[:1] != [magic]:
        found = header[0] if header else "less than 4 bytes"
        raise ValueError(
            f"{name} was expected to begin with {magic}, the mark of idx {what}, but begins with {found}. "
            "Replace it by the right file."
        )
    shape = header[1:]
    expected = 4 + 4 * axes + math.prod(shape)
    if len(shape) < axes or len(content) != expected:
        declared = " x ".join(map(str, shape)) or "no size"
        raise ValueError(
            f"{name} declares {declared}: expected {expected} bytes, found {len(content)}. "
            "It is truncated or altered: copy it again."
        )
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()


def decompressed(content: bytes, name: str) -> bytes:
    """Return the content, decompressed if it is gzip."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{name} was expected to be a complete gzip file, but is not: {error}. Copy it again."
        ) from error


def read_known(dataset: str, name: str, path: Path) -> bytes:
    """Return the decompressed file at `path`, and refuse it unless it is exactly the file `name` of a known dataset."""
    content = decompressed(path.read_bytes(), str(path))
    found, expected = hashlib.sha256(content).hexdigest(), DIGESTS[dataset][name]
    if found != expected:
        raise ValueError(
            f"{path} is not {dataset}'s {name}: expected SHA-256 {expected}, found {found} "
            f"({len(content)} bytes decompressed). Delete it or replace it."
        )
    return content


def checked(arrays: Mapping[str, np.ndarray], origins: Mapping[str, str]) -> Dataset:
    """Return the arrays as a data set, after checking them; `origins` names the source of each in messages."""
    for split in ("train", "test"):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
            raise ValueError(
                f"{origins[f'{split}_images']} was expected to be uint8 of shape n x {SIDE} x {SIDE}, but is "
                f"{images.dtype} of shape {' x '.join(map(str, images.shape))}. Convert or resize the images."
            )
        if labels.dtype.kind not in "iu" or labels.shape != (len(images),):
            raise ValueError(
                f"{origins[f'{split}_labels']} was expected to be {len(images)} integers, one an image, but "
                f"is {labels.dtype} of shape {' x '.join(map(str, labels.shape))}. Give each image one label."
            )
    classes = count_classes(arrays["train_labels"], origins["train_labels"])
    outside = np.setdiff1d(arrays["test_labels"], np.arange(classes)).tolist()
    if outside or not len(arrays["test_labels"]):
        raise ValueError(
            f"{origins['test_labels']} was expected to have labels from 0 to {classes - 1}, as in training, "
            f"but has {', '.join(map(str, outside[:5])) or 'none'}. Correct the labels or drop those images."
        )
    as_stored = {name: a.astype(np.int64) if "labels" in name else a for name, a in arrays.items()}
    return Dataset(**as_stored, class_names=[str(label) for label in range(classes)])


def count_classes(labels: np.ndarray, origin: str) -> int:
    """Return the number of classes of training labels, which must be 0, 1, ... without a gap."""
    found, counts = np.unique(labels, return_counts=True)
    if len(found) not in CLASSES:
        raise ValueError(
            f"{origin} was expected to have {CLASSES[0]} to {CLASSES[-1]} classes, but has {len(found)}. "
            "Merge or drop classes."
        )
    if missing := np.setdiff1d(np.arange(len(found)), found).tolist():
        raise ValueError(
            f"{origin} was expected to hold every label from 0 to {len(found) - 1}, as it has {len(found)} "
            f"different ones, but lacks {missing[0]} and reaches {found[-1]}. Renumber the labels."
        )
    if counts.min() < LEAST_PER_CLASS:
        raise ValueError(
            f"{origin} was expected to have {LEAST_PER_CLASS} or more images a class, "
            f"but label {counts.argmin()} has {counts.min()}. Add images or drop that class."
        )
    return len(found)
