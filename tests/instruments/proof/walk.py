"""Walks through a kernel with terms instead of numbers: one program, any program, and any lane of its accesses."""

from collections.abc import Callable, Sequence
from functools import partial

import z3

from tests.instruments.proof.candidates import Candidates
from tests.instruments.proof.elementwise import BINARY, Elementwise
from tests.instruments.proof.flow import Flow
from tests.instruments.proof.found import Access, Walked
from tests.instruments.proof.launch import MOST, TERMS, SymbolicLaunch, TensorTerms
from tests.instruments.proof.loops import Loops
from tests.instruments.proof.memory import MOST_BYTES, Extent, Memory
from tests.instruments.proof.module import Module, Operation, Type, Unmodelled
from tests.instruments.proof.prover import Prover
from tests.instruments.proof.shapes import SHAPES
from tests.instruments.proof.sums import Sums
from tests.instruments.proof.terms import Term, Terms, bounds
from tests.instruments.proof.values import ALWAYS, NEVER, At, Value, lanes, scalar

MOST_PROGRAMS = ((1 << 31) - 1, 65_535, 65_535)
"""Of each axis of a grid; the driver refuses a launch of more."""
_WITHOUT_EFFECT = ("griddepcontrol.wait;", "griddepcontrol.launch_dependents;")


class Walk:
    """One walk through the kernel of a launch.

    Args:
        launch: the launch.
        page_size: tokens of a page.
        candidates: numbers that invariants and sums may be bounded by; None for a first walk that only looks for them.
        sequences: how many there are, where that is fixed: sums and loops over them are then exact.
        patience: by how much z3 gets more steps than usual.

    Raises:
        Unmodelled: the kernel does something that has no model.
    """

    def __init__(
        self,
        launch: SymbolicLaunch,
        candidates: Candidates | None,
        page_size: int,
        sequences: int | None = None,
        patience: int = 1,
    ) -> None:
        self.launch = launch = launch if sequences is None else launch.of(sequences)
        self.patience = patience
        self.page_size = page_size
        self.terms = Terms()
        self.memory = Memory(self.terms)
        self.module = Module(launch.ir)
        self.sequences = sequences
        self.is_first = candidates is None
        self.found = Candidates()
        self.candidates = candidates or self.found
        self.path: list[Term] = []
        self.walked = Walked()
        self.undefined: list[Term] = []
        """What stands in lanes that Triton leaves undefined."""
        self.names: dict[str, Value] = {}
        """Values by the names that the IR gives them."""
        self.programs = tuple(z3.Int(f"program_{axis}") for axis in "xyz")
        self.grid = tuple(map(self.terms.linear, launch.grid))
        self.extents = {tensor.name: self._extent(tensor) for tensor in launch.tensors}
        kernel = self.module.functions[self.module.kernel]
        self._arguments = self._bound(launch.arguments, kernel.parameters)
        self.prover = Prover(self.terms, self._always(launch), patience)
        _, _, self.rigid = self.terms.cone([*self.prover.always, *self.programs])
        """Numbers of the names that are the same throughout a program."""
        if self.is_first:
            self.prover.proves = lambda *_, **__: False  # type: ignore[method-assign]
        self.elementwise = Elementwise(self.terms, self.exact)
        self.flow = Flow(self)
        self.loops = Loops(self)
        self.sums = Sums(
            self.prover,
            self.exact,
            lambda: list(self.path),
            self.candidates.limits,
            sorted(self.candidates.divisors),
            sequences,
        )
        self._results = self.extents.keys() - {"buf", "page_indices", "seq_lens"}

    def run(self) -> Walked:
        """Walk, and return what was found."""
        self.names = dict(self._arguments)
        for _ in self.flow.blocks(self.module.functions[self.module.kernel].body):
            pass
        return self.walked

    def _extent(self, tensor: TensorTerms) -> Extent:
        sizes, strides = (tuple(map(self.terms.linear, each)) for each in (tensor.shape, tensor.strides))
        steps = [self.terms.times(size - 1, stride) for size, stride in zip(sizes, strides, strict=True)]
        reach = self.terms.simple(tensor.item * (1 + z3.Sum([z3.IntVal(0), *steps])))
        return Extent(reach, self.terms.simple(z3.Or(*(size <= 0 for size in sizes))))

    def _always(self, launch: SymbolicLaunch) -> list[Term]:
        known = [z3.And(term >= 0, term <= MOST) for term in TERMS.values()]
        for extent in self.extents.values():
            known.append(z3.Or(extent.is_empty, extent.bytes <= MOST_BYTES))
        for program, axis, most in zip(self.programs, self.grid, MOST_PROGRAMS, strict=True):
            known += [program >= 0, program < axis, axis <= most]
        known += [self.terms.linear(condition) for condition in launch.conditions]
        if self.sequences is not None:
            known.append(TERMS["batch"] == self.sequences)
        return [*known, *self._fit]

    def _bound(self, given: Sequence[TensorTerms | Term], parameters: Sequence[tuple[str, str]]) -> dict[str, Value]:
        """Return the values of the kernel's parameters. A launch refuses a number that does not fit its type."""
        bound: dict[str, Value] = {}
        self._fit: list[Term] = []
        for argument, (name, text) in zip(given, parameters, strict=True):
            if isinstance(argument, TensorTerms):
                pointee = Type.of(text).pointee_bits or 8
                value = Value((), None, lambda: z3.IntVal(0), root=argument.name, item=pointee // 8)
            else:
                width = Type.of(text).bits or 64
                term = self.terms.simple(self.terms.linear(argument))
                low, high = bounds(width)
                self._fit += [term >= low, term <= high]
                value = scalar(width, term)
                value.origin = term
            bound[name] = value
        return bound

    def exact(self, shape: tuple[int, ...], width: int, at: At, undefined: At) -> Value:
        """Return a value whose exact lanes `at` gives; they wrap, unless it is proved that none does."""
        given, (low, high) = list(self.path), bounds(width)
        fits: list[bool] = []

        def wrapped(*lane: Term) -> Term:
            term = at(*lane)
            if not fits:
                any_lane = at(*lanes(self.terms, shape))
                fits.append(self.prover.proves(given, z3.And(any_lane >= low, any_lane <= high)))
            if fits[0] or self.is_first:
                return term
            turns = self.terms.fresh("turns")
            return self.terms.fresh("wrapped", lambda w: [term == w + (1 << width) * turns, w >= low, w <= high])

        return Value(shape, width, wrapped, undefined)

    def length_of(self, sequence: int) -> Term:
        """Return what stands in the device's lengths at a sequence."""
        (lengths,) = (tensor for tensor in self.launch.tensors if tensor.name == "seq_lens")
        offset = self.terms.times(z3.IntVal(lengths.item * sequence), self.terms.linear(lengths.strides[0]))
        return self.memory.read("seq_lens", offset, 8 * lengths.item)

    def value(self, name: str) -> Value:
        """Return the value of a name."""
        return self.names[name]

    def give(self, names: Sequence[str], values: Sequence[Value]) -> None:
        """Name values."""
        self.names.update(zip(names, values, strict=True))

    def step(self, operation: Operation) -> None:
        """Walk one operation that ends no block."""
        name = operation.name
        if name in ("tt.load", "tt.store"):
            self._access(operation)
        elif name == "tt.call":
            self.flow.call(operation)
        elif name == "scf.if":
            self.flow.choose(operation)
        elif name in ("scf.while", "scf.for"):
            self.loops.run(operation)
        elif operation.results:
            self.give(operation.results, [self._computed(operation)])
        elif name not in ("tt.print", "llvm.intr.assume"):
            raise Unmodelled(f"{name} at {operation.place}")

    def _computed(self, operation: Operation) -> Value:
        name = operation.name
        operands = [self.value(operand) for operand in operation.operands]
        if name != "tt.reduce" and not all(operand.has_order for operand in operands):
            raise Unmodelled(f"{name} of lanes that a reshape let change places at {operation.place}")
        if name in BINARY:
            self.found.note(self, operation, operands)
            return BINARY[name](self.elementwise, operation, *operands)
        if name in SHAPES:
            return SHAPES[name](operation, *operands)
        if name in _PLAIN:
            return _PLAIN[name](self, operation, *operands)
        raise Unmodelled(f"{name} at {operation.place}")

    def _access(self, operation: Operation) -> None:
        is_read = operation.name == "tt.load"
        pointer, *rest = (self.value(operand) for operand in operation.operands)
        stored = None if is_read else rest.pop(0)
        mask = rest[0] if rest else None
        if pointer.root is None or "boundaryCheck" in operation.text:
            raise Unmodelled(f"an access through {operation.text[:60]} at {operation.place}")
        lane = lanes(self.terms, pointer.shape)
        if not is_read:
            self.found.written.add(pointer.root)
        if not self.is_first:
            active = [mask.at(*lane)] if mask else []
            parts = [pointer.undefined(*lane), *([stored.undefined(*lane)] if stored else [])]
            if mask and not z3.is_false(of_mask := mask.undefined(*lane)):
                self.flow.note_branch(operation.place, of_mask)
            self.walked.accesses.append(
                Access(
                    kind="read" if is_read else "write",
                    root=pointer.root,
                    place=operation.place,
                    given=(*self.path, *active),
                    offset=pointer.at(*lane),
                    size=pointer.item,
                    reached=tuple(self.path),
                    undefined=self.terms.simple(z3.Or(*parts)),
                    shape=pointer.shape,
                    value=partial(stored.at, *lane) if stored else None,
                    is_repeated=self.loops.depth > 0,
                )
            )
        if is_read:
            self.give(operation.results, [self._loaded(operation, pointer, mask, rest[1] if len(rest) > 1 else None)])

    def _loaded(self, operation: Operation, pointer: Value, mask: Value | None, other: Value | None) -> Value:
        root = pointer.root or ""
        is_written = root in self._results | self.candidates.written
        width = pointer.item * 8 if operation.result_types[0].pointee_bits != 1 else 1

        def at(*lane: Term) -> Term:
            # What stands in memory that programs write to, may be anything each time.
            if is_written:
                there = self.terms.between("written", *bounds(width))
            else:
                there = self.memory.read(root, pointer.at(*lane), width)
            if mask is None:
                return there
            if other is None:
                rest = self.terms.between("undefined", *bounds(width))
                self.undefined.append(rest)
            else:
                rest = other.at(*lane)
            return self.elementwise.chosen(mask.at(*lane), there, rest)

        def undefined(*lane: Term) -> Term:
            if mask is None:
                return NEVER
            rest = other.undefined(*lane) if other else ALWAYS
            return NEVER if z3.is_false(rest) else self.terms.simple(z3.And(z3.Not(mask.at(*lane)), rest))

        return Value(pointer.shape, width, at, undefined)

    def _program(self, operation: Operation) -> Value:
        axis = "xyz".index(operation.text.split()[1])
        of = self.programs if operation.name == "tt.get_program_id" else self.grid
        value = scalar(32, of[axis])
        value.origin = of[axis]
        return value

    def _inline(self, operation: Operation) -> Value:
        if not any(f'"{known}' in operation.text for known in _WITHOUT_EFFECT):
            raise Unmodelled(f"{operation.text[:80]} at {operation.place}")
        return self._poison(operation)

    def _poison(self, operation: Operation) -> Value:
        (type_,) = operation.result_types
        width = type_.bits or 64
        if width == 1:
            return Value(type_.shape, 1, lambda *lane: self.terms.fresh_truth("poison"), lambda *lane: ALWAYS)
        return Value(
            type_.shape, width, lambda *lane: self.terms.between("poison", *bounds(width)), lambda *lane: ALWAYS
        )


_PLAIN: dict[str, Callable[..., Value]] = {
    "arith.constant": lambda walk, operation: walk.elementwise.constant(operation),
    **dict.fromkeys(("arith.extsi", "arith.extui", "arith.trunci"), lambda walk, *given: _cast(walk, *given)),
    "arith.select": lambda walk, operation, *given: walk.elementwise.select(operation, *given),
    **dict.fromkeys(("tt.get_program_id", "tt.get_num_programs"), Walk._program),
    "tt.reduce": lambda walk, operation, value: walk.sums.reduce(operation, value, walk.module.functions),
    "tt.scan": lambda walk, operation, value: walk.sums.scan(operation, value, walk.module.functions),
    "tt.elementwise_inline_asm": Walk._inline,
    "ub.poison": Walk._poison,
}


def _cast(walk: Walk, operation: Operation, value: Value) -> Value:
    result = walk.elementwise.cast(operation, value)
    result.origin = value.origin
    return result
