"""The expressions of a tour: what the stopped machine must be like.

    rip == entry_3                       registers and symbols, by name
    before.rsp - 48                      a register as it was when a step noted it
    u64(rsp + 8) == KERNEL_CS            memory: u8, u16, u32, u64
    idtr.base == idt, cr2, cs            the system's registers
    flag("IF") == 0                      a flag of rflags
    aligned(rsp, 16)                     a multiple of
    pattern(1)                           what the tests' random numbers begin with, for seed 1 (kernel/random.h)
"""

from __future__ import annotations

import ast
import operator
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from . import bulk
from .prompt import Where

FLAGS = {"CF": 0, "PF": 2, "AF": 4, "ZF": 6, "SF": 7, "TF": 8, "IF": 9, "DF": 10, "OF": 11, "RF": 16}
CONSTANTS = {"KERNEL_CS": 0x10, "KERNEL_DS": 0x18, "NO_ERROR_CODE": (1 << 64) - 1}
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
FUNCTIONS = (*SIZES, "flag", "aligned", "pattern")
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Mod: operator.mod,
    ast.LShift: operator.lshift, ast.RShift: operator.rshift, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge}
ALLOWED = (ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Compare,
           ast.Call, ast.Attribute, ast.Name, ast.Load, ast.Constant, *OPERATORS)


class Unclear(Exception):
    """The expression means nothing, here or anywhere."""


class Memory(Protocol):
    def read(self, address: int, length: int) -> bytes: ...


class Names(Protocol):
    def get(self, name: str) -> int | None: ...


def parse(text: str) -> ast.expr:
    """Raises Unclear for what is no expression of the kinds above."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise Unclear(f"{text!r} is no expression: {error.msg}") from None
    for node in ast.walk(tree):
        if not isinstance(node, ALLOWED):
            raise Unclear(f"{text!r}: {type(node).__name__} is not known here")
        if isinstance(node, ast.Call) and (not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS):
            raise Unclear(f"{text!r}: the functions are {', '.join(FUNCTIONS)}")
    return tree.body


@dataclass
class Values:
    """Everything that has a name at one moment."""

    where: Where
    symbols: Names
    memory: Memory
    noted: dict[str, Where] = field(default_factory=dict)

    def evaluate(self, text: str) -> int:
        """Raises Unclear."""
        return int(self._value(parse(text)))

    def holds(self, text: str) -> str | None:
        """None if an expectation holds; else how it fails, in values."""
        tree = parse(text)
        try:
            if self._value(tree):
                return None
            if isinstance(tree, ast.Compare):
                sides = [self._value(side) for side in (tree.left, *tree.comparators)]
                return f"{text}, but here {' and '.join(f'{side:#x}' for side in sides)}"
        except Unclear as error:
            return f"{text}, but {error}"
        return f"{text}, but that does not hold"

    def fill(self, text: str) -> str:
        """Put values in the place of `{expression:format}`. Raises Unclear."""
        parts = []
        for literal, expression, layout, _ in string.Formatter().parse(text):
            parts.append(literal)
            if expression is not None:
                parts.append(format(self.evaluate(expression), layout or "#x"))
        return "".join(parts)

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._named(name)
            case ast.Attribute():
                return self._attribute(node)
            case ast.BoolOp(op=ast.And(), values=values):
                return all(self._value(value) for value in values)
            case ast.BoolOp(values=values):
                return any(self._value(value) for value in values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._value(operand)
            case ast.UnaryOp(operand=operand):
                return -self._value(operand)
            case ast.BinOp(left=left, op=kind, right=right):
                return OPERATORS[type(kind)](self._value(left), self._value(right))
            case ast.Compare(left=left, ops=kinds, comparators=others):
                sides = [self._value(side) for side in (left, *others)]
                pairs = zip(sides, sides[1:])
                return all(OPERATORS[type(kind)](*pair) for kind, pair in zip(kinds, pairs, strict=True))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, [self._value(argument) for argument in arguments])
        raise Unclear(f"{ast.unparse(node)!r} is not known here")

    def _call(self, name: str, arguments: list[Any]) -> int:
        if name == "flag":
            if arguments[0] not in FLAGS:
                raise Unclear(f"the flags are {', '.join(FLAGS)}")
            return self.where.registers["rflags"] >> FLAGS[arguments[0]] & 1
        if name == "aligned":
            return int(arguments[0] % arguments[1] == 0)
        if name == "pattern":
            return pattern(arguments[0])
        try:
            return int.from_bytes(self.memory.read(arguments[0], SIZES[name]), "little")
        except KeyError as error:
            raise Unclear(error.args[0]) from None

    def _attribute(self, node: ast.Attribute) -> int:
        dotted = ast.unparse(node)
        base, _, rest = dotted.partition(".")
        if base in self.noted:
            return self._register(self.noted[base], rest, dotted)
        if base in ("idtr", "gdtr") and rest in ("base", "limit"):
            return (self.where.idtr if base == "idtr" else self.where.gdtr)[rest == "limit"]
        return self._symbol(dotted)

    def _named(self, name: str) -> int:
        if name in CONSTANTS:
            return CONSTANTS[name]
        try:
            return self._register(self.where, name, name)
        except Unclear:
            return self._symbol(name)

    def _symbol(self, name: str) -> int:
        address = self.symbols.get(name)
        if address is None:
            raise Unclear(f"nothing is called {name}")
        return address

    @staticmethod
    def _register(where: Where, name: str, asked: str) -> int:
        for group in (where.registers, where.selectors, where.cr):
            if name in group:
                return group[name]
        raise Unclear(f"nothing is called {asked}")


def pattern(number: int) -> int:
    """The value that test_pattern() returns as the NUMBER-th of a test with seed 1."""
    return int.from_bytes(bulk.expected(8 * number, 1, "0")[-8:], "little")
