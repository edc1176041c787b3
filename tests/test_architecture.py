"""The house: imports point down only, and rooms stay small."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = {
    "lstm_jax.axes": 0,
    "lstm_jax.settings": 0,
    "lstm_jax.version": 0,
    "lstm_jax.recurrent": 1,
    "lstm_jax.tasks": 1,
    "lstm_jax.network": 2,
    "lstm_jax.training": 3,
    "lstm_jax.insight": 3,
    "lstm_jax.runs": 4,
    "lstm_jax.sweeps": 5,
    "lstm_jax": 5,
    "experiments": 6,
    "benchmarks": 7,
    "scripts": 7,
}
"""The library's own front door, `lstm_jax`, may show what is in every room; nobody inside may use it."""

ROOMS = ("lstm_jax", "experiments", "benchmarks", "scripts")
MODULES = sorted(path for room in ROOMS for path in ROOT.glob(f"{room}/**/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def floor_of(module: str) -> int | None:
    if module == "lstm_jax":
        return FLOORS[module]
    for name in sorted(FLOORS, key=len, reverse=True):
        if name != "lstm_jax" and (module == name or module.startswith(f"{name}.")):
            return FLOORS[name]
    return None


def floor_to_import(module: str) -> int | None:
    """As `floor_of`; what the library's front door shows, such as `lstm_jax.LSTM`, is where the door is."""
    floor = floor_of(module)
    return FLOORS["lstm_jax"] if floor is None and module.startswith("lstm_jax.") else floor


def room_of(module: str) -> str:
    first, *rest = module.split(".")
    return ".".join([first, *rest[:1]]) if first == "lstm_jax" else first


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_module_has_a_floor():
    assert all(floor_of(name_of(path)) is not None for path in MODULES)
    assert not list(ROOT.glob("lstm_jax/**/utils.py"))


def wrong_imports(path: Path, name: str) -> list[str]:
    """What a module of this name must not import, but does: what is on its own floor or above, in another room."""
    own = floor_of(name)
    found = ((module, floor_to_import(module)) for module in imports(path))
    return sorted(
        f"{name} on floor {own} imports {module} on floor {floor}"
        for module, floor in found
        if floor is not None and floor >= own and room_of(module) != room_of(name)
    )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path):
    assert not wrong_imports(path, name_of(path))


@pytest.mark.parametrize(
    ("name", "line", "wrong"),
    [
        ("lstm_jax.recurrent.cells", "from lstm_jax.runs.loop import run", "lstm_jax.runs.loop.run on floor 4"),
        ("lstm_jax.recurrent.cells", "import lstm_jax.tasks.task", "lstm_jax.tasks.task on floor 1"),
        ("lstm_jax.runs.loop", "def late():\n    from lstm_jax import LSTM", "lstm_jax.LSTM on floor 5"),
        ("lstm_jax.runs.loop", "from lstm_jax.runs import folder", None),
        ("lstm_jax.runs.loop", "from lstm_jax.training import step", None),
        ("lstm_jax.recurrent.cells", "import jax", None),
    ],
)
def test_a_wrong_import_would_be_noticed(tmp_path, name, line, wrong):
    path = tmp_path / "module.py"
    path.write_text(line)
    assert wrong_imports(path, name) == ([f"{name} on floor {floor_of(name)} imports {wrong}"] if wrong else [])


@pytest.mark.parametrize("path", [path for path in MODULES if "lstm_jax" in path.parts[-3:]], ids=name_of)
def test_the_library_knows_no_flags(path):
    above = ("absl", "experiments", "scripts", "benchmarks")
    assert not [module for module in imports(path) if module.startswith(above)]


AT_THE_DISK = (
    "lstm_jax.runs",
    "lstm_jax.sweeps",
    "experiments",
    "benchmarks",
    "scripts",
    "lstm_jax.recurrent.native.build",
)
"""The last one compiles the kernel, as Python its modules."""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_disk_is_touched_in_runs_only(path):
    if not name_of(path).startswith(AT_THE_DISK):
        assert not imports(path) & {"pathlib.Path", "os", "json", "shutil", "orbax.checkpoint", "tensorboardX"}


EITHER_WAY = ("lstm_jax.sweeps", "lstm_jax.runs.loop", "lstm_jax.runs.checkpoint", "lstm_jax.training.population")
ONE_KIND = re.compile(r"lstm_jax\.(tasks\.|runs\.(string|text))")


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path).startswith(EITHER_WAY)], ids=name_of)
def test_loop_checkpoints_populations_and_sweeps_know_neither_strings_nor_texts(path):
    assert not [module for module in imports(path) if ONE_KIND.match(module)]


@pytest.mark.parametrize("room", sorted({room_of(name_of(path)) for path in MODULES} - {"experiments", "benchmarks"}))
def test_no_two_types_of_a_room_have_the_same_name(room):
    paths = [path for path in MODULES if room_of(name_of(path)) == room]
    nodes = [node for path in paths for node in ast.parse(path.read_text()).body]
    names = [node.name for node in nodes if isinstance(node, ast.ClassDef)]
    names += [node.name.id for node in nodes if isinstance(node, ast.TypeAlias)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", MODULES + TESTS, ids=name_of)
def test_modules_and_functions_are_short(path):
    assert len(path.read_text().splitlines()) <= 200
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            length = node.end_lineno - node.lineno + 1 - (len(docstring.splitlines()) if docstring else 0)
            assert length <= 40, f"{path.name}: {node.name} has {length} lines"


EXPERIMENTS = [path.stem for path in ROOT.glob("experiments/*.py") if "\nBASE = " in path.read_text()]


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_tasks_and_experiments_are_one_small_file_each(name):
    assert len((ROOT / f"lstm_jax/tasks/{name}.py").read_text().splitlines()) <= 90
    assert len((ROOT / f"experiments/{name}.py").read_text().splitlines()) <= 80


def test_all_experiments_are_among_them():
    assert sorted(EXPERIMENTS) == ["count_bits", "next_word", "sign_sum"]
