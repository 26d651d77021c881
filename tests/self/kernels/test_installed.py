"""Are other projects' gathers found by the names of their functions, and executed without their projects?"""

import sys

import pytest

from kernels.peers import installed
from kernels.peers.foreign import Foreign
from kernels.peers.table import PEERS, Form, Function, Peer
from tests.calls.implementations import NAMED, NoImplementation, load_implementation

SOURCE = """
import absent_package
from theirs.deep.platform import is_amd, name as platform
from theirs.tuning import tuned, Base

WAY = "amd" if is_amd() else "usual"

class Options(Base):
    pass

@tuned(configs=[1])
@tuned
def gather(table, k):
    return WAY, platform
"""


@pytest.fixture
def peer(tmp_path, monkeypatch):
    inner = tmp_path / "theirs" / "deep" / "ops"
    inner.mkdir(parents=True)
    (tmp_path / "theirs" / "__init__.py").write_text("raise RuntimeError('the project itself')")
    (tmp_path / "theirs" / "version.py").write_text('__version__ = "1.2.3"\n')
    (inner / "other.py").write_text("def gather(other): ...")
    (inner / "somewhere.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    form = Form({"get_k_and_s": Function("gather", ("page_indices", "k"))}, has="table")
    return Peer("theirs", "pip install theirs", (form,), {"theirs.deep.platform": {"name": "torch.uint8"}})


def test_a_function_is_found_by_name_and_parameter(peer):
    assert installed.find(peer).files["get_k_and_s"].name == "somewhere.py"
    assert installed.version_of(peer) == "1.2.3"


def test_its_file_is_executed_without_its_project(peer, monkeypatch):
    monkeypatch.setitem(installed.PEERS, "theirs", peer)
    before = set(sys.modules)
    gather = installed.gathers("theirs")["get_k_and_s"]
    assert isinstance(gather, Foreign)
    way, platform = gather.__wrapped__(None, None)
    assert (way, str(platform)) == ("usual", "torch.uint8")
    assert {name for name in set(sys.modules) - before if not name.startswith("kernels.")} == set()


def test_what_is_not_here_says_what_brings_it():
    with pytest.raises(ImportError, match="not installed: pip install nowhere"):
        installed.find(Peer("not_anywhere", "pip install nowhere", ()))


def test_a_release_without_it_is_told(peer):
    form = Form({"get_k": Function("nothing_like_it", ())})
    with pytest.raises(ImportError, match=r"theirs 1\.2\.3 has no nothing_like_it of a signature"):
        installed.find(Peer("theirs", "", (form,)))


def test_each_peer_has_a_short_name_and_words_that_are_some():
    assert set(PEERS) == set(NAMED) - {"own", "torch"}
    for peer in PEERS.values():
        for form in peer.forms:
            for function in form.functions.values():
                Foreign(print, *function.arguments, **function.options)


def test_a_peer_that_is_not_here_is_refused_in_a_sentence():
    with pytest.raises(NoImplementation, match=r"^--impl lightllm: the package lightllm is not installed"):
        load_implementation("lightllm")


def test_the_list_has_a_line_for_each():
    assert [line.split()[0] for line in installed.listing()] == list(PEERS)
