#!/usr/bin/env python3
"""Prints the public interface of a crate, one item a line, from rustdoc's JSON: types, signatures, and which traits hold.

usage: api.py JSON

Blanket implementations are left out, and of the automatic traits all but Send, Sync and Unpin.
"""

import json
import sys

FORMATS = range(54, 60)
AUTOMATIC = {"Send", "Sync", "Unpin"}


class Crate:
    def __init__(self, document):
        self.index = document["index"]
        self.paths = document["paths"]
        self.root = self.item(document["root"])
        self.name = self.root["name"]
        self.lines = []

    def item(self, identity):
        return self.index[str(identity)]

    # Types, as they are written.

    def path(self, path):
        known = self.paths.get(str(path["id"]))
        name = path["path"].split("::")[-1]
        if known and known["crate_id"] != 0 and known["path"][0] not in ("core", "alloc", "std"):
            name = f"{known['path'][0]}::{known['path'][-1]}"
        return name + self.arguments(path.get("args"))

    def arguments(self, arguments):
        if not arguments:
            return ""
        (form, inner), = arguments.items()
        if form == "parenthesized":
            output = f" -> {self.type(inner['output'])}" if inner["output"] else ""
            return f"({', '.join(map(self.type, inner['inputs']))}){output}"
        parts = [self.argument(argument) for argument in inner["args"]]
        for constraint in inner["constraints"]:
            (form, value), = constraint["binding"].items()
            of = f" = {self.term(value)}" if form == "equality" else f": {self.bounds(value)}"
            parts.append(constraint["name"] + self.arguments(constraint["args"]) + of)
        return f"<{', '.join(parts)}>" if parts else ""

    def argument(self, argument):
        if argument == "infer":
            return "_"
        (form, value), = argument.items()
        return {"lifetime": str, "type": self.type, "const": lambda value: value["expr"]}[form](value)

    def term(self, term):
        return self.type(term["type"]) if "type" in term else term["constant"]["expr"]

    def type(self, kind):
        if kind == "infer":
            return "_"
        (form, value), = kind.items()
        if form in ("generic", "primitive"):
            return "!" if value == "never" else value
        if form == "resolved_path":
            return self.path(value)
        if form == "borrowed_ref":
            lifetime = f"{value['lifetime']} " if value["lifetime"] else ""
            inner = self.type(value["type"])
            return f"&{lifetime}{'mut ' if value['is_mutable'] else ''}" + (f"({inner})" if " + " in inner else inner)
        if form == "slice":
            return f"[{self.type(value)}]"
        if form == "array":
            return f"[{self.type(value['type'])}; {value['len']}]"
        if form == "tuple":
            return f"({', '.join(map(self.type, value))}{',' if len(value) == 1 else ''})"
        if form == "impl_trait":
            return f"impl {self.bounds(value)}"
        if form == "dyn_trait":
            bounds = [self.binder(bound["generic_params"]) + self.path(bound["trait"]) for bound in value["traits"]]
            return f"dyn {' + '.join(bounds + ([value['lifetime']] if value['lifetime'] else []))}"
        if form == "qualified_path":
            name = value["name"] + self.arguments(value["args"])
            if not value["trait"] or not value["trait"]["path"] or value["self_type"] == {"generic": "Self"}:
                return f"{self.type(value['self_type'])}::{name}"
            return f"<{self.type(value['self_type'])} as {self.path(value['trait'])}>::{name}"
        if form == "function_pointer":
            return f"{self.binder(value['generic_params'])}fn{self.signature(value['sig'])}"
        if form == "raw_pointer":
            return f"*{'mut' if value['is_mutable'] else 'const'} {self.type(value['type'])}"
        raise ValueError(f"a type of an unknown form: {form}")

    # Generics and signatures.

    def bounds(self, bounds):
        return " + ".join(map(self.bound, bounds))

    def bound(self, bound):
        (form, value), = bound.items()
        if form == "trait_bound":
            sign = {"none": "", "maybe": "?", "maybe_const": "~const "}[value["modifier"]]
            return self.binder(value["generic_params"]) + sign + self.path(value["trait"])
        return f"use<{', '.join(next(iter(part.values())) for part in value)}>" if form == "use" else value

    def binder(self, parameters):
        return f"for{self.parameters(parameters)} " if parameters else ""

    def parameters(self, parameters):
        parts = []
        for parameter in parameters:
            (form, kind), = parameter["kind"].items()
            name = parameter["name"]
            if form == "lifetime":
                parts.append(name + (f": {' + '.join(kind['outlives'])}" if kind["outlives"] else ""))
            elif form == "const":
                default = f" = {kind['default']}" if kind["default"] else ""
                parts.append(f"const {name}: {self.type(kind['type'])}{default}")
            elif not kind["is_synthetic"]:
                bounds = f": {self.bounds(kind['bounds'])}" if kind["bounds"] else ""
                default = f" = {self.type(kind['default'])}" if kind["default"] else ""
                parts.append(name + bounds + default)
        return f"<{', '.join(parts)}>" if parts else ""

    def where(self, generics):
        parts = []
        for predicate in generics["where_predicates"]:
            (form, value), = predicate.items()
            if form == "bound_predicate":
                parts.append(f"{self.binder(value['generic_params'])}{self.type(value['type'])}: {self.bounds(value['bounds'])}")
            elif form == "lifetime_predicate":
                parts.append(f"{value['lifetime']}: {' + '.join(value['outlives'])}")
            else:
                parts.append(f"{self.type(value['lhs'])} == {self.term(value['rhs'])}")
        return f" where {', '.join(parts)}" if parts else ""

    def signature(self, signature):
        inputs = [self.input(name, kind) for name, kind in signature["inputs"]]
        output = f" -> {self.type(signature['output'])}" if signature["output"] else ""
        return f"({', '.join(inputs)}){output}"

    def input(self, name, kind):
        written = self.type(kind)
        if name == "self" and written.removeprefix("&").split(" ")[-1] in ("Self", "&Self"):
            return written.replace("Self", "self")
        return f"{name}: {written}"

    def function(self, item):
        function = item["inner"]["function"]
        words = "".join(
            f"{word} " for word in ("const", "async", "unsafe") if function["header"][f"is_{word}"]
        )
        generics = function["generics"]
        return (f"{words}fn {{}}{item['name']}{self.parameters(generics['params'])}"
                f"{self.signature(function['sig'])}{self.where(generics)}")

    # Items.

    def say(self, line, item=None):
        marks = "".join(f"{mark} " for mark in self.marks(item)) if item else ""
        self.lines.append(marks + line)

    def marks(self, item):
        if item["deprecation"]:
            yield "#[deprecated]"
        for attribute in item["attrs"]:
            if attribute == "non_exhaustive" or isinstance(attribute, dict) and "must_use" in attribute:
                yield "#[non_exhaustive]" if attribute == "non_exhaustive" else "#[must_use]"

    def module(self, item, place):
        for identity in item["inner"]["module"]["items"]:
            child = self.item(identity)
            if "use" not in child["inner"]:
                self.declared(child, place, child["name"])
                continue
            use = child["inner"]["use"]
            if str(use["id"]) not in self.index or "module" in self.item(use["id"])["inner"] and use["id"] == self.root["id"]:
                self.say(f"pub use {place}::{use['name']} = {use['source']}")
            elif use["is_glob"]:
                self.module(self.item(use["id"]), place)
            else:
                self.declared(self.item(use["id"]), place, use["name"])

    def declared(self, item, place, name):
        (form, inner), = item["inner"].items()
        path = f"{place}::{name}"
        if form == "module":
            self.say(f"pub mod {path}")
            self.module(item, path)
        elif form == "function":
            self.say("pub " + self.function(item).format(f"{place}::"), item)
        elif form == "constant":
            self.say(f"pub const {path}: {self.type(inner['type'])} = {inner['const']['value'] or inner['const']['expr']}", item)
        elif form == "type_alias":
            self.say(f"pub type {path}{self.parameters(inner['generics']['params'])} = {self.type(inner['type'])}", item)
        elif form == "trait":
            bounds = f": {self.bounds(inner['bounds'])}" if inner["bounds"] else ""
            self.say(f"pub trait {path}{self.parameters(inner['generics']['params'])}{bounds}{self.where(inner['generics'])}", item)
            for child in map(self.item, inner["items"]):
                provided = "function" in child["inner"] and child["inner"]["function"]["has_body"]
                self.associated(child, "  provided " if provided else "  required ")
            self.implementations(inner["implementations"], named=False)
        elif form in ("struct", "enum"):
            self.say(f"pub {form} {path}{self.parameters(inner['generics']['params'])}{self.where(inner['generics'])}", item)
            if form == "enum":
                self.variants(inner["variants"], path)
            elif fields := self.fields(inner["kind"]):
                for field in fields:
                    self.say(f"  field {path}.{field}")
            self.implementations(inner["impls"], named=True)
        else:
            raise ValueError(f"an item of an unknown form: {form}")

    def fields(self, kind):
        if kind == "unit":
            return []
        (form, value), = kind.items()
        identities = value if form == "tuple" else value["fields"]
        visible = [self.item(identity) for identity in identities if identity is not None and str(identity) in self.index]
        return [f"{field['name']}: {self.type(field['inner']['struct_field'])}" for field in visible]

    def variants(self, variants, path):
        for variant in map(self.item, variants):
            kind = variant["inner"]["variant"]["kind"]
            fields = "" if kind == "plain" else f" {{ {', '.join(self.fields(kind))} }}"
            self.say(f"  variant {path}::{variant['name']}{fields}", variant)

    def implementations(self, identities, named):
        lines = len(self.lines)
        for identity in identities:
            if str(identity) not in self.index:
                continue
            inner = self.item(identity)["inner"]["impl"]
            trait = inner["trait"] and self.path(inner["trait"])
            if inner["blanket_impl"] or inner["is_synthetic"] and trait not in AUTOMATIC:
                continue
            if trait == "StructuralPartialEq":
                continue
            head = f"impl{self.parameters(inner['generics']['params'])} "
            where = self.where(inner["generics"])
            target = self.type(inner["for"])
            if trait:
                sign = "!" if inner["is_negative"] else ""
                self.say(f"  {head}{sign}{trait} for {target}{where}")
                for child in map(self.item, inner["items"]):
                    if "assoc_type" in child["inner"]:
                        self.say(f"    type {child['name']} = {self.type(child['inner']['assoc_type']['type'])}")
            elif named:
                self.say(f"  {head}{target}{where}")
                for child in map(self.item, inner["items"]):
                    self.associated(child, "    pub ")
        self.lines[lines:] = blocks(self.lines[lines:])

    def associated(self, item, before):
        (form, inner), = item["inner"].items()
        if form == "function":
            line = self.function(item).format("")
        elif form == "assoc_const":
            line = f"const {item['name']}: {self.type(inner['type'])}" + (f" = {inner['value']}" if inner["value"] else "")
        else:
            line = f"type {item['name']}" + (f": {self.bounds(inner['bounds'])}" if inner["bounds"] else "")
        self.lines.append(before + "".join(f"{mark} " for mark in self.marks(item)) + line)


def blocks(lines):
    """Sorts lines, inherent implementations first. Lines that are indented further stay behind the one they belong to."""
    found = {}
    for line in lines:
        if line.startswith("    "):
            block.append(line)
        else:
            block = found.setdefault(line, [])
    ordered = sorted(found, key=lambda line: (" for " in line, line))
    return [line for head in ordered for line in (head, *sorted(found[head]))]


def main():
    document = json.load(open(sys.argv[1], encoding="utf-8"))
    if document["format_version"] not in FORMATS:
        sys.exit(f"rustdoc's JSON has format {document['format_version']}, and {sys.argv[0]} is written for others")
    crate = Crate(document)
    crate.module(crate.root, crate.name)
    print("\n".join(crate.lines))


main()
