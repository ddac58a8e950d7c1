"""All mutants of one source text: small changes that a test should notice.

mutmut brings most operators. Its own runner changes function bodies only, leaves decorated functions out and runs one
command for all; here tables, defaults and properties are judged too, each mutant by the tests that reach its line.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

Operator = Callable[[Any], Iterable[cst.CSTNode]]


def _bare_condition(node: cst.If | cst.While | cst.CompIf) -> Iterable[cst.CSTNode]:
    """`if x` becomes `if not x`, where no other operator changes the condition."""
    if isinstance(node.test, cst.Name | cst.Attribute | cst.Call):
        negated = cst.UnaryOperation(cst.Not(), node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]))
        yield node.with_changes(test=negated)


def _dropped_element(node: cst.Set | cst.List | cst.Tuple | cst.Dict) -> Iterable[cst.CSTNode]:
    """A set, list, tuple or dict of several elements loses one."""
    if len(node.elements) < 3 and isinstance(node, cst.Tuple):
        return  # mostly a pair that is unpacked: it would only crash
    if len(node.elements) > 1:
        for index in range(len(node.elements)):
            yield node.with_changes(elements=[*node.elements[:index], *node.elements[index + 1 :]])


def _dropped_call(node: cst.Expr) -> Iterable[cst.CSTNode]:
    """A call that is made for its effect is not made."""
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


def _dropped_operand(node: cst.BooleanOperation) -> Iterable[cst.CSTNode]:
    """`a and b` becomes `a`, and becomes `b`."""
    yield node.left
    yield node.right


OPERATORS: Final[Sequence[tuple[Any, Operator]]] = [
    *mutation_operators,
    (cst.If | cst.While | cst.CompIf, _bare_condition),
    (cst.Set | cst.List | cst.Tuple | cst.Dict, _dropped_element),
    (cst.Expr, _dropped_call),
    (cst.BooleanOperation, _dropped_operand),
]

#: Nothing in there decides: types, names, what decorators take, and words for a programmer.
_LEFT_OUT: Final = (cst.Annotation, cst.Import, cst.ImportFrom, cst.Decorator, cst.Raise, cst.Assert, cst.TypeAlias)
_LOG: Final = ("log", "logger", "logging")


@dataclass(frozen=True)
class Mutant:
    """One change of a module. `lines`: where tests must have been to notice it."""

    path: str
    number: int  # among all of its module
    lines: range
    in_function: bool
    source: str
    changed: Callable[[], str]

    @cached_property
    def text(self) -> str:
        """The whole module, changed."""
        return self.changed()

    @cached_property
    def diff(self) -> str:
        """What changed, without context."""
        lines = difflib.unified_diff(
            self.source.splitlines(), self.text.splitlines(), self.path, self.path, n=0, lineterm=""
        )
        return "\n".join(list(lines)[2:])

    @property
    def change(self) -> tuple[str, str]:
        """The lines before and after, without their spaces at both ends: by this an equivalent mutant is named."""
        lines = self.diff.splitlines()
        return tuple(  # type: ignore[return-value]
            " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
        )


def mutants(path: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its text. The same text gives the same list."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = _Visitor(wrapper.module)
    wrapper.visit(visitor)
    found = []
    for number, (old, new, lines, in_function) in enumerate(visitor.found):
        found.append(Mutant(path, number, lines, in_function, source, _change(wrapper.module, old, new)))
    return found


def _change(module: cst.Module, old: cst.CSTNode, new: cst.CSTNode) -> Callable[[], str]:
    def changed() -> str:
        tree = module.deep_replace(old, new)
        assert isinstance(tree, cst.Module)
        return tree.code

    return changed


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, module: cst.Module) -> None:
        super().__init__()
        self.module = module
        self.found: list[tuple[cst.CSTNode, cst.CSTNode, range, bool]] = []
        self.statements: list[cst.CSTNode] = []
        self.functions = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _LEFT_OUT) or _is_docstring(node) or _is_log(node):
            return False
        if isinstance(node, cst.FunctionDef):
            self.functions += 1
        if isinstance(node, cst.SimpleStatementLine | cst.BaseCompoundStatement):
            self.statements.append(node)
        lines = self._lines(node)
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                self.found += [(node, new, lines, bool(self.functions)) for new in self._of(operator, node)]
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef) and not self._left_out(original_node):
            self.functions -= 1
        if self.statements and self.statements[-1] is original_node:
            self.statements.pop()

    def _left_out(self, node: cst.CSTNode) -> bool:
        return isinstance(node, _LEFT_OUT)

    def _of(self, operator: Operator, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        if isinstance(node, cst.Assign | cst.AnnAssign) and not self.functions:
            return  # a table that is None only crashes
        for index, new in enumerate(operator(node)):
            if isinstance(node, cst.SimpleString | cst.ConcatenatedString) and index:
                return  # one other text is enough
            yield new

    def _lines(self, node: cst.CSTNode) -> range:
        """From the head of the innermost statement to the node. What stands in the head of a function, such as the
        default of an argument, is worked out when no test runs: there, all of the function."""
        own = self.get_metadata(PositionProvider, node, None)
        around = self.get_metadata(PositionProvider, self.statements[-1], None) if self.statements else None
        if own is None and around is None:
            return range(0)
        first = around.start.line if around is not None else own.start.line  # type: ignore[union-attr]
        last = own.start.line if own is not None else first
        if around is not None and isinstance(self.statements[-1], cst.FunctionDef):
            last = around.end.line
        return range(first, last + 1)


def _is_docstring(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString)


def _is_log(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Expr):
        return _is_log(node.value)
    return (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Attribute)
        and isinstance(node.func.value, cst.Name)
        and node.func.value.value in _LOG
    )
