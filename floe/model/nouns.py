"""The decorator of floe's dataclasses.

The type check sees `dataclasses.dataclass`. At run time such a class is a struct of msgspec with
the same constructor, equality, hash and text. `dataclasses` compiles up to seven methods of a class
when it is imported, which takes 0.5 ms; a struct takes 0.01 ms, and there are 250 of them in a
host. A struct is also made and copied five times as fast, which each step does dozens of times.

The collector of circles leaves a frozen class with slots out: it has only fields that were there
before it, so no circle begins at it. A host with 100,000 open runs has millions of such objects,
and each search through them would stop it for some tenths of a second.

A field with `compare=False` counts neither for equality nor in the text. A class is a real
dataclass if it computes a field (`init=False`), only hides one (`repr=False`), is a Protocol, or
inherits from a dataclass.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import replace as replace
else:
    from dataclasses import MISSING, Field, make_dataclass
    from functools import partial
    from operator import attrgetter

    import msgspec
    from msgspec.structs import replace as replace

    def dataclass(*, slots=False, **options):
        """`dataclasses.dataclass`."""
        is_tracked = not (slots and options.get("frozen"))
        return partial(_struct, {**options, "dict": not slots, "gc": is_tracked})

    def _struct(options, cls):
        body = {k: v for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__")}
        given = {name: body[name] for name in cls.__annotations__ if name in body}
        fields = {name: one for name, one in given.items() if isinstance(one, Field)}
        for name, one in fields.items():
            if not one.init or (one.compare and not one.repr):
                raise TypeError(f"{cls.__name__}.{name}: only a real dataclass has such a field")
            default = {"default": one.default, "default_factory": one.default_factory}
            body[name] = msgspec.field(**{k: v for k, v in default.items() if v is not MISSING})
        # Python 3.14 evaluates annotations late; they are written where the class is, as ever.
        body.update(__annotations__=cls.__annotations__, __dataclass_fields__=_Fields(given))
        bases = () if cls.__bases__ == (object,) else cls.__bases__
        made = msgspec.StructMeta(cls.__name__, (msgspec.Struct, *bases), body, **options)
        if unseen := {name for name, one in fields.items() if not one.compare}:
            _compare([name for name in made.__struct_fields__ if name not in unseen], made)
        return made

    def _compare(names, cls):
        """Give a class equality, hash and text by these fields alone."""
        of = attrgetter(*names)

        def eq(self, other):
            return of(self) == of(other) if other.__class__ is self.__class__ else NotImplemented

        def text(self):
            fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
            return f"{self.__class__.__name__}({fields})"

        cls.__eq__, cls.__hash__, cls.__repr__ = eq, lambda self: hash(of(self)), text

    class _Fields:
        """The fields of a struct, as `dataclasses` reads them; made at the first read."""

        __slots__ = ("given", "made")

        def __init__(self, given):
            self.given = given
            self.made = None

        def __get__(self, _, cls):
            if self.made is None:
                types = cls.__annotations__
                fields = [
                    (name, types[name], self.given.get(name, MISSING))
                    for name in cls.__struct_fields__
                ]
                like = make_dataclass(
                    cls.__name__,
                    fields,
                    namespace={"__doc__": cls.__name__},  # without one, its signature is read
                    init=False,
                    repr=False,
                    eq=False,
                    match_args=False,
                    kw_only=True,
                )
                self.made = like.__dataclass_fields__
            return self.made
