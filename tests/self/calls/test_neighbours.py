"""Is the harness's own package never taken for a neighbour of an implementation?"""

import pytest

from tests.calls.implementations import NoImplementation, load_implementation
from tests.calls.neighbours import TAKEN, taken_neighbour

GATHER = "def get_k(*arguments):\n    return helped(*arguments)\n"


def test_names_that_are_taken():
    assert {"tests", "ci", "kernels", "reference", "conftest"} == TAKEN


@pytest.mark.parametrize(
    ("package", "statement"),
    [
        ("tests", "from tests.util import helped"),
        ("tests", "import tests.util"),
        ("ci", "from ci import util"),
        # Without a word, this would examine the harness's own kernels.
        ("kernels", "from kernels import get_k_and_s as helped"),
    ],
)
def test_a_neighbour_with_a_taken_name_is_told(package, statement, tmp_path):
    (tmp_path / package).mkdir()
    (tmp_path / package / "util.py").write_text("helped = None\n")
    path = tmp_path / "mine.py"
    path.write_text(f"{statement}\n{GATHER}")
    with pytest.raises(NoImplementation) as refused:
        load_implementation(str(path))
    assert f"is imported, but `{package}` is a package of this harness" in str(refused.value)


def test_a_neighbours_own_import_of_a_taken_name_is_told(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "util.py").write_text("helped = None\n")
    (tmp_path / "my_helpers_of_gathers.py").write_text("from tests.util import helped\n")
    (tmp_path / "mine.py").write_text(f"from my_helpers_of_gathers import helped\n{GATHER}")
    with pytest.raises(NoImplementation, match=r"tests.util is imported, but `tests` is a package of this harness"):
        load_implementation(str(tmp_path / "mine.py"))


def test_a_module_beside_the_user_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    with pytest.raises(NoImplementation, match="`tests` is a package of this harness"):
        load_implementation("tests.my_gathers")


def test_other_names_and_the_harness_itself_are_free(tmp_path):
    (tmp_path / "gathers").mkdir()
    assert taken_neighbour("gathers.fused", tmp_path) is None
    assert taken_neighbour("tests.util", tmp_path) is None
