"""Where MNIST's and Fashion-MNIST's files are: in a folder of yours, the system's, the cache."""

import os
from dataclasses import dataclass
from pathlib import Path

from gan.cache import cache_dir, unwritable
from gan.errors import UsageError

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True)
class Source:
    """Where one data set's files may be and how they are known to be the right ones.

    Args:
        folders: names a folder of the set goes by, under the folder the user names.
        system: where the operating system's package puts the files, if there is one.
        url: what to download from, ending in "/".
        checksums: of the four gzipped files to download, in the order of FILES; "md5:" where
            it is not SHA-256.
        test_labels_sha256: of the decompressed t10k-labels-idx1-ubyte: the two sets' files
            have the same names and sizes, so only their content tells them apart.
    """

    folders: tuple[str, ...]
    system: Path | None
    url: str
    checksums: tuple[str, str, str, str]
    test_labels_sha256: str


def locate(name: str, data_dir: Path | None) -> list[Path]:
    """The four files of a data set, in the order of FILES.

    Looked for in data_dir, where they must then be; in $GAN_DATA, unless nothing of this set is
    there; in the system's folder; in the download cache, which is filled if need be. A folder
    may hold the files itself or in a subfolder named after the set, gzipped or not.

    Args:
        name: a key of SOURCES.
        data_dir: the folder the user named, or None.

    Raises:
        UsageError: a file is missing, or could not be downloaded.
    """
    source = SOURCES[name]
    named = _named_folder(data_dir)
    if named is not None:
        found = _folder_with_files(named, source)
        if found is not None:
            return _files_in(found)
        if data_dir is not None:
            subfolders = ", ".join(f"{folder}/" for folder in source.folders)
            raise UsageError(
                f"no {FILES[0]} or {FILES[0]}.gz in {data_dir}, nor in {subfolders} there"
            )
    if source.system is not None and source.system.is_dir():
        return _files_in(source.system)
    return _downloaded(name, source)


def _named_folder(data_dir: Path | None) -> Path | None:
    """The folder the user named, by argument or environment, which must exist."""
    environment = os.environ.get("GAN_DATA")
    if data_dir is None and not environment:
        return None
    folder = data_dir if data_dir is not None else Path(environment or "").expanduser()
    if not folder.is_dir():
        origin = "the data folder" if data_dir is not None else "GAN_DATA"
        raise UsageError(f"{origin} is {folder}: no such folder")
    return folder


def _folder_with_files(root: Path, source: Source) -> Path | None:
    """The set's own subfolder, or else the root, whichever has at least one of the files."""
    for folder in (*(root / name for name in source.folders), root):
        if any(_file(folder, file) is not None for file in FILES):
            return folder
    return None


def _files_in(folder: Path) -> list[Path]:
    paths = []
    for file in FILES:
        path = _file(folder, file)
        if path is None:
            raise UsageError(
                f"no {file} or {file}.gz in {folder}: all of {', '.join(FILES)} are needed"
            )
        paths.append(path)
    return paths


def _file(folder: Path, file: str) -> Path | None:
    candidates = (folder / f"{file}.gz", folder / file)
    return next((path for path in candidates if path.is_file()), None)


def _downloaded(name: str, source: Source) -> list[Path]:
    return [
        _fetch(f"{file}.gz", source.url, checksum, cache_dir() / name)
        for file, checksum in zip(FILES, source.checksums, strict=True)
    ]


def _fetch(file: str, url: str, checksum: str, folder: Path) -> Path:
    """One checksummed file in a folder, downloaded unless it is there already.

    pooch downloads to a temporary name and renames only what has the right checksum.
    """
    import pooch
    from requests import exceptions

    place = f"put {file} at {folder / file} or set GAN_DATA to a folder that holds it"
    try:
        return Path(pooch.create(folder, url, registry={file: checksum}).fetch(file))
    except (exceptions.ConnectionError, exceptions.Timeout) as error:
        raise UsageError(f"offline ({url} cannot be reached): {place}") from error
    except exceptions.RequestException as error:
        raise UsageError(f"{url}{file} failed to download ({_line(error)}): {place}") from error
    except OSError as error:
        raise unwritable(folder, error) from error
    except ValueError as error:
        raise UsageError(
            f"{url}{file} does not have the checksum {checksum}: nothing was kept; {place}"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


SOURCES: dict[str, Source] = {
    "mnist": Source(
        folders=("mnist", "MNIST/raw"),
        system=None,
        url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        checksums=(
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        test_labels_sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion_mnist": Source(
        folders=("fashion_mnist", "fashion-mnist", "FashionMNIST/raw"),
        system=Path("/usr/share/datasets/fashion-mnist"),  # Debian's dataset-fashion-mnist
        url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        checksums=(
            "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "md5:25c81989df183df01b3e8a0aad5dffbe",
            "md5:bef4ecab320f06d8554ea6380940ec79",
            "md5:bb300cfdad3c16e7a12a480ee83cd310",
        ),
        test_labels_sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
