"""What a user installs is what the repository holds, and no more is pulled in than is said."""

import ast
import configparser
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DIRECTIONS: dict[
    str, set[str]
] = {  # who may import whom; hsi.calibrate and others add themselves here
    "runtime": set(),
    "appearance": {"runtime", "model"},
    "model": {"runtime"},
    "train": {"runtime", "model"},
    "evaluate": {"runtime", "model"},
    "calibrate": {"runtime", "evaluate"},
    "export": {"runtime", "model", "calibrate", "appearance"},
    "benchmark": {"runtime"},
    "doctor": {"runtime"},
}


@pytest.fixture(scope="module")
def config() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel of a copy, so that an older ``build`` folder leaves nothing in it."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("README.md", "LICENSE", "setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    for folder in DIRECTIONS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("*.pyc"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(built)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(built.glob("*.whl")))


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def packages(config: configparser.ConfigParser) -> list[str]:
    return lines(config["options"]["packages"])


def modules(folder: str) -> Iterator[Path]:
    yield from sorted((ROOT / folder).rglob("*.py"))


def test_listed_packages_are_the_folders_on_disk(config: configparser.ConfigParser) -> None:
    # An unlisted subpackage imports in an editable install and is missing from the wheel.
    found = {
        "hsi." + ".".join(path.parent.relative_to(ROOT).parts)
        for folder in DIRECTIONS
        for path in modules(folder)
        if path.name == "__init__.py"
    }

    assert set(packages(config)) == found
    assert {f"hsi.{folder}" for folder in DIRECTIONS} <= found


def test_every_package_is_mapped_and_seen_by_the_type_checker(
    config: configparser.ConfigParser,
) -> None:
    mapped = dict(line.split(" = ") for line in lines(config["options"]["package_dir"]))

    assert sorted(mapped) == sorted(packages(config))
    for package, folder in mapped.items():
        assert (ROOT / folder / "py.typed").is_file()
        assert (ROOT / ".types" / package.replace(".", "/")).resolve() == ROOT / folder


def test_bare_imports_of_every_package_are_banned() -> None:
    text = (ROOT / "pyproject.toml").read_text()

    for folder in DIRECTIONS:
        assert f'"{folder}".msg = "import hsi.{folder}: the bare name loads a second copy"' in text


def test_every_folder_of_python_is_type_checked(config: configparser.ConfigParser) -> None:
    checked = [name.strip() for name in config["mypy"]["files"].split(",")]
    made = {"build", "dist", "out", "runs"}
    found = {path.parent.name for path in ROOT.glob("[a-z]*/*.py")} - made

    assert found <= {*checked, *DIRECTIONS}


def test_the_wheel_has_every_module_and_its_types(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())

    for folder in DIRECTIONS:
        assert f"hsi/{folder}/py.typed" in names
        for path in modules(folder):
            assert f"hsi/{path.relative_to(ROOT).as_posix()}" in names


def test_the_wheel_has_what_hsi_run_needs_to_start_without_options(
    wheel: zipfile.ZipFile,
) -> None:
    shipped = {name for name in wheel.namelist() if name.startswith("hsi/runtime/data/")}

    styles = [name for name in shipped if name.startswith("hsi/runtime/data/styles/")]
    assert "hsi/runtime/data/hsi-edge.hsi" in shipped
    assert "hsi/runtime/data/styles/starry-night.jpg" in shipped
    assert len(styles) == 6
    assert max(wheel.getinfo(name).file_size for name in styles) <= 90_000
    assert "hsi/runtime/data/README.md" in shipped


def test_the_wheel_has_the_data_of_every_package(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())

    for folder in DIRECTIONS:
        for path in (*(ROOT / folder).rglob("data/**/*"), *(ROOT / folder).rglob("static/*")):
            if path.is_file():
                assert f"hsi/{path.relative_to(ROOT).as_posix()}" in names


def test_the_wheel_has_nothing_outside_hsi(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"hsi"}


def test_every_shipped_style_is_described() -> None:
    described = (ROOT / "runtime" / "data" / "README.md").read_text()

    for path in (ROOT / "runtime" / "data" / "styles").iterdir():
        assert f"`{path.name}`" in described


@pytest.mark.parametrize("folder", sorted(DIRECTIONS))
def test_imports_go_in_one_direction(folder: str) -> None:
    allowed = DIRECTIONS[folder] | {folder}

    for path in modules(folder):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute here"
                names = [node.module or ""]
                if node.module == "hsi":
                    names = [f"hsi.{alias.name}" for alias in node.names]
            for name in names:
                if name.startswith("hsi."):
                    assert name.split(".")[1] in allowed, f"{path} imports {name}"


def test_the_runtime_names_no_library_of_the_other_side() -> None:
    heavy = {"torch", "diffusers", "transformers", "onnx", "onnxscript", "safetensors", "tqdm"}

    for path in modules("runtime"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not heavy & {alias.name.split(".")[0] for alias in node.names}, path
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in heavy, path


def test_importing_the_runtime_loads_no_torch_and_no_onnx() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import hsi.runtime"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "hsi" in loaded
    assert not loaded & {"torch", "onnx", "onnxscript", "safetensors", "tqdm"}


def test_the_two_onnx_runtimes_are_alternatives(config: configparser.ConfigParser) -> None:
    extras = {name: lines(text) for name, text in config["options.extras_require"].items()}

    def pulled_in(wanted: list[str]) -> set[str]:
        found = set()
        for requirement in wanted:
            found.add(requirement.split(">")[0].split("[")[0])
            if requirement.startswith("hsi-edge["):
                for extra in requirement[len("hsi-edge[") : -1].split(","):
                    found |= pulled_in(extras[extra])
        return found

    alternatives = {"onnxruntime", "onnxruntime-gpu"}
    assert not alternatives & pulled_in(lines(config["options"]["install_requires"]))
    for name, wanted in extras.items():
        assert len(alternatives & pulled_in(wanted)) <= 1, name
    assert alternatives & pulled_in(extras["cpu"]) == {"onnxruntime"}
    assert alternatives & pulled_in(extras["gpu"]) == {"onnxruntime-gpu"}


def test_torch_comes_with_no_extra_that_only_runs(config: configparser.ConfigParser) -> None:
    text = config["options"]["install_requires"]
    extras = config["options.extras_require"]

    assert "torch" not in text + extras["cpu"] + extras["gpu"]
    assert "torch" in extras["export"]


def test_the_changelog_starts_with_this_version(config: configparser.ConfigParser) -> None:
    headings = [
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")
    ]

    assert headings[0].startswith(f"## [{config['metadata']['version']}]")


def test_contributing_says_why_each_dependency_is_there(config: configparser.ConfigParser) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    listed = [config["options"]["install_requires"], *config["options.extras_require"].values()]

    for requirement in (line for block in listed for line in lines(block)):
        name = requirement.split(">")[0]
        if not name.startswith("hsi-edge["):
            assert f"`{name}`" in text, f"{name} is not in the table of CONTRIBUTING.md"


def test_every_offered_python_is_classified(config: configparser.ConfigParser) -> None:
    classifiers = config["metadata"]["classifiers"]

    assert config["options"]["python_requires"] == ">=3.10"
    for minor in (10, 11, 12, 13):
        assert f"Programming Language :: Python :: 3.{minor}" in classifiers
