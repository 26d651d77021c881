"""Is what compute-sanitizer prints understood? Recorded output, and lines made up for what was never recorded."""

import pytest

from ci.sanitizer.hazards import Record, take_apart
from ci.sanitizer.transcript import Allocation, Subject, findings_of, read
from tests.cases.catalogue import catalogue
from tests.contract import Contract
from tests.self.ci.sanitizer.outputs import CASE, MARK, access, heard, recorded, transcript_of

BY_ID = {case.id: case for case in catalogue()}


def findings(name, tool, contract=Contract.SAFE):
    return findings_of(read(heard(recorded(name))), tool, BY_ID, contract)


@pytest.mark.parametrize(
    ("name", "rule", "where"),
    [
        ("memcheck_read_before_buf", 4, "read 1 byte at 1 before buf (address 0x"),
        ("memcheck_read_after_seq_lens", 4, "read 1 byte at 1 past the end of seq_lens (address 0x"),
        ("memcheck_write_before_seq_lens", 7, "wrote 1 byte at 1 before seq_lens (address 0x"),
    ],
)
def test_one_byte_outside(name, rule, where):
    (finding,) = findings(name, "memcheck")
    assert (finding.rule, finding.case, finding.function) == (rule, CASE, "get_k_and_s")
    assert finding.message.startswith(f"memcheck: program (0, 0, 0) of touch_kernel {where}")
    assert "), in kernels.py line " in finding.message
    assert finding.details["kernel"] == "touch_kernel"
    assert finding.details["tensor"] in where
    # The fault ended the process in the middle of the case.
    assert read(heard(recorded(name))).current == Subject("", CASE)


def test_a_read_of_unwritten_memory():
    (finding,) = findings("initcheck_unwritten", "initcheck")
    assert (finding.rule, finding.function) == (15, "get_k_and_s")
    assert "of unwritten_kernel read 4 bytes that nothing had written, at byte 28 of a result (" in finding.message
    assert "in hidden.py line " in finding.message


def test_a_race():
    (finding,) = findings("racecheck_races", "racecheck")
    assert finding.rule == 8
    assert "threads of racing_kernel write and write the same shared memory with no barrier between" in finding.message
    assert finding.message.endswith("in hidden.py line 25; 3 accesses of this kind")


@pytest.mark.parametrize("name", ["initcheck_clean", "initcheck_unwritten", "racecheck_races"])
def test_a_tool_that_reports_its_planted_fault_is_trusted(name):
    transcript = read(heard(recorded(name)))
    assert transcript.is_trustworthy
    assert transcript.has_summary
    assert transcript.has_ended
    assert transcript.done == [Subject("", CASE)]
    # Only what the tool itself said makes it so.
    silent = "\n".join(line for line in recorded(name).splitlines() if "canary" not in line)
    assert not read(heard(silent)).is_trustworthy


def test_a_clean_recording():
    assert findings("initcheck_clean", "initcheck") == []


def test_lines_of_other_origin_are_no_matter():
    output = "\n".join(
        [
            MARK + '{"case": "a/b"}',
            "hello",
            "========= Invalid x",
            "=========     at y",
            MARK + '{"do',
            "========= ",
            f'noise {MARK}{{"done": "a/b"}}',
            MARK + '{"all_done": true}',
        ]
    )
    assert list(take_apart(heard(output))) == [{"case": "a/b"}, Record("Invalid x", ("at y",)), {"all_done": True}]


def test_where_an_address_lies():
    tensor = Allocation("buf", 1_000, 100)
    assert [tensor.place(address) for address in (999, 1_000, 1_099, 1_100, 9_099)] == [
        "1 before buf",
        "byte 0 of buf",
        "byte 99 of buf",
        "1 past the end of buf",
        "8,000 past the end of buf",
    ]
    assert [tensor.distance(address) for address in (990, 1_000, 1_099, 1_100)] == [10, 0, 0, 1]


@pytest.mark.parametrize(
    ("case", "operation", "rule"),
    [
        ("batches/8", "read", 4),
        ("batches/8", "write", 7),
        ("invalid-pages/minus-one-middle", "read", 11),
        ("disagreement/device-huge", "write", 13),
    ],
)
def test_which_rule_an_access_breaks(case, operation, rule):
    output = transcript_of(
        *access(f"Invalid __global__ {operation} of size 4 bytes", "Access to 0x100c is out of bounds")
    ).replace(CASE, case)
    (finding,) = findings_of(read(heard(output)), "memcheck", BY_ID, Contract.STRICT)
    done = {"read": "read", "write": "wrote"}[operation]
    assert (finding.rule, finding.case) == (rule, case)
    assert finding.message == (
        f"memcheck: program (2, 3, 0) of kernel {done} 4 bytes at 5 past the end of buf (address 0x100c), "
        "in gather.py line 7"
    )
    assert findings_of(read(heard(output)), "memcheck", BY_ID, Contract.TRUSTING) == ([finding] if rule < 9 else [])


def test_a_misaligned_access():
    output = transcript_of(*access("Invalid __global__ read of size 4 bytes", "Address 0x1002 is misaligned"))
    (finding,) = findings_of(read(heard(output)), "memcheck", BY_ID, Contract.SAFE)
    assert "read 4 bytes, misaligned, at byte 2 of buf" in finding.message


def test_torchs_own_kernels_may_compare_what_was_never_written():
    kernel = "void at::native::vectorized_elementwise_kernel<4, at::native::CompareFunctor<unsigned char>>"
    unwritten = access("Uninitialized __global__ memory read of size 4 bytes", "Address 0x1000", kernel)
    assert findings_of(read(heard(transcript_of(*unwritten))), "initcheck", BY_ID, Contract.SAFE) == []
    outside = access("Invalid __global__ read of size 4 bytes", "Access to 0x1008 is out of bounds", kernel)
    assert len(findings_of(read(heard(transcript_of(*outside))), "memcheck", BY_ID, Contract.SAFE)) == 1


def test_one_finding_for_many_threads():
    headline = "Invalid __global__ read of size 4 bytes"
    lines = [
        line for at in (0x2000, 0x1010, 0x1800) for line in access(headline, f"Access to {at:#x} is out of bounds")
    ]
    (finding,) = findings_of(read(heard(transcript_of(*lines))), "memcheck", BY_ID, Contract.SAFE)
    assert "at 9 past the end of buf" in finding.message
    assert finding.message.endswith("; 3 accesses of this kind")
