"""The long text of every diagnostic code, for `rowsmith explain CODE` and for SARIF.

How to add a code:

1. Take the next free number of its group: RS1xx files, syntax and characters; RS2xx names and references; RS3xx types and values;
   RS4xx constraints, checks and indexes; RS5xx operations, hooks and pages; RS6xx warnings; RS7xx differences that `check` finds;
   RS9xx not available in this version. A published code is never given another meaning.
2. Add an entry to `CODES` below, in the order of the codes. `title` is one line without a full stop. `meaning` says what is wrong and
   why it is refused, in two or three sentences. `wrong` and `right` are the same few lines of YAML (or shell) before and after.
3. Add a case for it to tests/errors (see the docstring of tests/errors/conftest.py).

Tests check that every code used in generator/ is documented here, that every documented one is used, and that each has a case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """What one code means.

    `title` is one line; `meaning` is prose (paragraphs separated by blank lines); `wrong` and `right` are an example before and after
    it is mended.
    """

    title: str
    meaning: str
    wrong: str
    right: str

    @property
    def explanation(self) -> str:
        """The long text, in Markdown: the meaning, the wrong example and the mended one."""
        return f"{self.meaning}\n\nWrong:\n\n{_indented(self.wrong)}\n\nRight:\n\n{_indented(self.right)}"


def _indented(example: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in example.strip("\n").split("\n"))


CODES: Mapping[str, CodeInfo] = {
    "RS101": CodeInfo(
        title="there is no folder with specs",
        meaning=(
            "Rowsmith reads the specs of a project from its folder `resources`, one resource a file. The command was started in a folder "
            "that has none, so it is probably not the folder of a project."
        ),
        wrong="$ cd /tmp\n$ rowsmith generate",
        right="$ cd my-project    # the folder that has resources/\n$ rowsmith generate",
    ),
    "RS102": CodeInfo(
        title="a spec cannot be read",
        meaning=(
            "The operating system refuses to open or to read the file: most often its permissions say so. Nothing is generated from the "
            "other specs alone, because that would look as if the resource had been deleted."
        ),
        wrong="$ chmod 000 resources/task.yaml\n$ rowsmith generate",
        right="$ chmod 644 resources/task.yaml\n$ rowsmith generate",
    ),
    "RS103": CodeInfo(
        title="something that is no file has the name of a spec",
        meaning=(
            "A directory, a named pipe, a socket or a device in the folder `resources` has a name that ends in `.yaml`. Specs are regular "
            "files in the folder itself; subfolders are not searched."
        ),
        wrong="resources/\n  tasks.yaml/\n    task.yaml",
        right="resources/\n  task.yaml",
    ),
    "RS104": CodeInfo(
        title="a spec is a link that leaves the folder",
        meaning=(
            "What is compiled must be what is committed and reviewed. A symbolic link that leads out of the folder `resources` could read "
            "any file of the machine, and gives another result on another machine. A link to nothing is refused, too."
        ),
        wrong="$ ln -s ~/task.yaml resources/task.yaml",
        right="$ cp ~/task.yaml resources/task.yaml",
    ),
    "RS105": CodeInfo(
        title="a spec has another suffix than .yaml",
        meaning=(
            "Specs end in `.yaml`, in lower case. A file that ends in `.yml` would be silently left out, and its resource would be "
            "missing from the API; so it is an error. Files with other suffixes are ignored."
        ),
        wrong="resources/task.yml",
        right="resources/task.yaml",
    ),
    "RS106": CodeInfo(
        title="two specs have names that differ only in case",
        meaning=(
            "The file systems of macOS and Windows keep only one of the two, so that the project would differ from one machine to the "
            "next. The name of a spec is the name of its resource in snake_case."
        ),
        wrong="resources/Task.yaml\nresources/task.yaml",
        right="resources/task.yaml",
    ),
    "RS107": CodeInfo(
        title="a spec is larger than 1 MiB",
        meaning=(
            "A spec describes one resource and has a few kilobytes. A file of this size is a mistake, or an attempt to keep the compiler "
            "busy; it is not read at all."
        ),
        wrong="$ cp backup.yaml resources/    # 300 MB",
        right="$ mv resources/backup.yaml ..",
    ),
    "RS110": CodeInfo(
        title="a spec is not UTF-8",
        meaning=(
            "Specs are UTF-8. The place shown has bytes that are no character of it; usually the file was saved in the encoding of an "
            "old Windows or with a tool that mixes encodings."
        ),
        wrong="$ iconv -f UTF-8 -t WINDOWS-1252 task.txt > resources/task.yaml",
        right="$ iconv -f WINDOWS-1252 -t UTF-8 task.txt > resources/task.yaml",
    ),
    "RS111": CodeInfo(
        title="a spec is UTF-16 or UTF-32",
        meaning=(
            "Specs are UTF-8. The file begins with the byte-order mark of a wider encoding, or has a zero byte beside each letter. "
            "PowerShell's `>` writes such files."
        ),
        wrong="PS> echo 'resource: Task' > resources/task.yaml",
        right="PS> echo 'resource: Task' | Out-File -Encoding utf8 resources/task.yaml",
    ),
    "RS112": CodeInfo(
        title="a control character",
        meaning=(
            "Control characters (NUL, ESC, DEL and the like) cannot be seen, act on terminals, and are not allowed in YAML. Tabs and line "
            "ends are the only exceptions. The place shown has one; it often comes from a copied terminal screen."
        ),
        wrong="description: Something<U+001B>[1m to do",
        right="description: Something to do",
    ),
    "RS113": CodeInfo(
        title="a byte-order mark inside the file",
        meaning=(
            "U+FEFF is allowed as the very first character of a file, where some editors of Windows put it. Anywhere else it is an "
            "invisible character, left where one file was appended to another."
        ),
        wrong="resource: Task\n<U+FEFF>fields:",
        right="resource: Task\nfields:",
    ),
    "RS114": CodeInfo(
        title="carriage returns without line feeds",
        meaning=(
            "Lines end with LF, or with CR LF as on Windows. A carriage return alone is a line end to some programs and none to others, "
            "so that an editor, git and Rowsmith would see different lines."
        ),
        wrong="resource: Task<CR>fields:<CR>",
        right="resource: Task\nfields:",
    ),
    "RS115": CodeInfo(
        title="a line separator of Unicode",
        meaning=(
            "NEXT LINE (U+0085), LINE SEPARATOR (U+2028) and PARAGRAPH SEPARATOR (U+2029) end a line in YAML 1.1, but not in YAML 1.2. "
            "Readers disagree about where the lines end, so they are refused. They come with text from word processors."
        ),
        wrong="description: One line<U+2028>another line",
        right='description: "One line\\nanother line"',
    ),
    "RS116": CodeInfo(
        title="a bidirectional override",
        meaning=(
            "These characters change the direction in which text is shown, so that a reviewer sees something else than the compiler reads "
            "(CVE-2021-42574, «Trojan Source»). They are errors everywhere, comments and escapes included. Hebrew and Arabic text does "
            "not need them."
        ),
        wrong="on_delete: cascade # <U+202E>tcirtser :won",
        right="on_delete: cascade # now: restrict",
    ),
    "RS117": CodeInfo(
        title="an invisible character in a name",
        meaning=(
            "A key or a name has a character that takes no space on the screen: a zero-width space or joiner, a soft hyphen, a direction "
            "mark. Two names could look the same and be different. In descriptions and other texts such characters are allowed."
        ),
        wrong="fields:\n  ti<U+200B>tle: string",
        right="fields:\n  title: string",
    ),
    "RS118": CodeInfo(
        title="a space that is none to YAML",
        meaning=(
            "Indentation, and the space after a colon, are ordinary spaces (U+0020). The place shown has a no-break space or one of its "
            "relatives, which YAML takes for a letter. It comes with text copied from a web page."
        ),
        wrong="fields:\n<U+00A0><U+00A0>title: string",
        right="fields:\n  title: string",
    ),
    "RS119": CodeInfo(
        title="typographic quotes around a text",
        meaning=(
            "YAML knows straight quotes only. A text that begins with a typographic one would keep it, and its special characters would "
            "not be protected. Typographic quotes inside a text are fine."
        ),
        wrong="description: “Something to do”",
        right='description: "Something to do"\n# or, if they belong to the text:\ndescription: "“Something to do”"',
    ),
    "RS120": CodeInfo(
        title="a full-width colon after a key",
        meaning=(
            "The full-width colon of East Asian keyboards (U+FF1A) looks like the colon of YAML, but is a letter to it: key and value "
            "would become one long text."
        ),
        wrong="fields:\n  title\uff1astring",
        right="fields:\n  title: string",
    ),
    "RS130": CodeInfo(
        title="an empty spec",
        meaning=(
            "The file has no content, or comments only. An empty file would silently remove its resource from the API. If that is what "
            "you want, delete the file."
        ),
        wrong="# resources/task.yaml: to be written",
        right="resource: Task\nfields:\n  title: string",
    ),
    "RS131": CodeInfo(
        title="the top level of a spec is no mapping",
        meaning=(
            "A spec is a mapping: `key: value` lines, of which `resource` and `fields` are required. The file holds a list or one value."
        ),
        wrong="- resource: Task\n- fields:\n    title: string",
        right="resource: Task\nfields:\n  title: string",
    ),
    "RS132": CodeInfo(
        title="more than one YAML document in a file",
        meaning=(
            "A line `---` begins a further document. Each resource has a file of its own, named after it. One `---` at the top is fine."
        ),
        wrong="resource: Task\nfields: {title: string}\n---\nresource: Tag\nfields: {name: string}",
        right=(
            "# resources/task.yaml\nresource: Task\nfields: {title: string}\n\n# resources/tag.yaml\nresource: Tag\nfields: {name: string}"
        ),
    ),
    "RS133": CodeInfo(
        title="a repeated key",
        meaning=(
            "A mapping has each key once. Most YAML readers silently keep the last one, so that the first would be lost without a word. "
            "The place shown is the second; the first follows as a note."
        ),
        wrong="fields:\n  title: string\n  notes: text\n  title: text",
        right="fields:\n  title: string\n  notes: text",
    ),
    "RS134": CodeInfo(
        title="a list or a mapping as a key",
        meaning="YAML allows a list or a mapping as a key, but no spec has one. Usually a text with brackets or braces lacks its quotes.",
        wrong="{{ name }}: string",
        right="name: string",
    ),
    "RS135": CodeInfo(
        title="a key that is no text",
        meaning=(
            "To YAML, a key such as `true`, `null` or `1` without quotes is a boolean, null or a number. (`no`, `on` and "
            "`12:30` are texts, "
            "as in YAML 1.2.)"
        ),
        wrong="fields:\n  true: boolean",
        right="fields:\n  is_true: boolean",
    ),
    "RS136": CodeInfo(
        title="a key of more than 128 characters",
        meaning="The keys of a spec are short names. A long one is a text with `: ` in it that lacks its quotes.",
        wrong="description:\n  A text of two hundred characters … note: this",
        right='description:\n  "A text of two hundred characters … note: this"',
    ),
    "RS137": CodeInfo(
        title="nesting deeper than 32 levels",
        meaning=(
            "A spec needs five levels. Deeper nesting is a mistake (a bracket that is never closed) or an attempt to exhaust the parser; "
            "reading ends there. A JSON default has the same limit."
        ),
        wrong="default: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        right="default: [1]",
    ),
    "RS138": CodeInfo(
        title="an anchor or an alias",
        meaning=(
            "Anchors (`&name`) and aliases (`*name`) reuse a part of a YAML file elsewhere. They make a spec hard to review, and a short "
            "file can expand to gigabytes, so the spec language has none. A text that begins with `*` or `&` needs quotes."
        ),
        wrong="title: &short {type: string, max_length: 80}\nlabel: *short",
        right="title: {type: string, max_length: 80}\nlabel: {type: string, max_length: 80}",
    ),
    "RS139": CodeInfo(
        title="a merge key",
        meaning=(
            "`<<` copies the keys of another mapping. YAML 1.2 no longer has it, editors and readers treat it differently, "
            "and so it is refused."
        ),
        wrong="label:\n  <<: {type: string}\n  max_length: 80",
        right="label:\n  type: string\n  max_length: 80",
    ),
    "RS140": CodeInfo(
        title="a tag",
        meaning=(
            "Tags (`!name`) give a YAML value another type, in some programs even run code. The spec language has none: a value's type "
            "follows from how it is written. A text that begins with `!` needs quotes."
        ),
        wrong="default: !!str 5",
        right='default: "5"',
    ),
    "RS141": CodeInfo(
        title="a YAML directive",
        meaning=(
            "`%YAML 1.1` asks for the old rules, by which `no` is false and 12:30 is 750; `%TAG` declares tags. Specs are always read as "
            "YAML 1.2, so that an editor and Rowsmith agree."
        ),
        wrong="%YAML 1.1\n---\nresource: Task",
        right="resource: Task",
    ),
    "RS142": CodeInfo(
        title="a tab in the indentation",
        meaning=(
            "YAML indents with spaces only: how wide a tab is depends on the editor, so that the structure would depend on it, too. "
            "`rowsmith fmt` cannot guess it either."
        ),
        wrong="fields:\n\ttitle: string",
        right="fields:\n  title: string",
    ),
    "RS143": CodeInfo(
        title="a quoted text that is never closed",
        meaning=(
            "A text that begins with a quote ends with the same one. Without it, YAML reads on to the next quote or to the end of the "
            "file; the place shown is the quote that opens. Between double quotes, a quote is written `\\\"`; between single ones, `''`."
        ),
        wrong='description: "Something to do\nplural: tasks',
        right='description: "Something to do"\nplural: tasks',
    ),
    "RS144": CodeInfo(
        title="brackets or braces that do not match",
        meaning=(
            "`[` is closed by `]` and `{` by `}`, and entries are separated by `, `. The place shown is the bracket that has no "
            "counterpart, or where something else than the next entry stands. A text with brackets in it needs quotes."
        ),
        wrong="title: {type: string, max_length: 80\nnotes: text",
        right="title: {type: string, max_length: 80}\nnotes: text",
    ),
    "RS145": CodeInfo(
        title="no space after the dash of a list item",
        meaning="`-get` is a text to YAML, and several such lines are one text. An item of a list begins with a dash and a space.",
        wrong="operations:\n  -list\n  -get",
        right="operations:\n  - list\n  - get",
    ),
    "RS146": CodeInfo(
        title="no space after the colon of a key",
        meaning="`title:string` is one text to YAML. A key ends with a colon and a space, or with a colon at the end of the line.",
        wrong="fields:\n  title:string",
        right="fields:\n  title: string",
    ),
    "RS147": CodeInfo(
        title="an unresolved merge conflict",
        meaning=(
            "git could not merge two versions of the file and left both in it, between lines of seven `<`, `=` and `>`. Keep what you "
            "want of the two and delete these lines."
        ),
        wrong="<<<<<<< HEAD\n  title: string\n=======\n  title: text\n>>>>>>> feature",
        right="  title: text",
    ),
    "RS148": CodeInfo(
        title="an escape that stands for no character",
        meaning=(
            'Between double quotes, a backslash begins an escape: `\\n`, `\\t`, `\\\\`, `\\"`, `\\u00E9`, `\\U0001F600` and a '
            "few more. The one "
            "shown is none of them, is half of a surrogate pair, or is NUL, which no database stores. Patterns are best written between "
            "single quotes, where a backslash is an ordinary character."
        ),
        wrong='pattern: "^\\d+$"',
        right="pattern: '^\\d+$'",
    ),
    "RS149": CodeInfo(
        title="a text that needs quotes",
        meaning=(
            "`: ` separates a key from its value, and brackets begin a list or a mapping. A text that contains them must stand between "
            "quotes, inside `{…}` and `[…]` above all."
        ),
        wrong="description: Note: something to do\nslug: {type: string, pattern: ^[a-z]+$}",
        right='description: "Note: something to do"\nslug: {type: string, pattern: "^[a-z]+$"}',
    ),
    "RS150": CodeInfo(
        title="indentation that fits nothing",
        meaning=(
            "The keys of one mapping and the items of one list begin in the same column, and what belongs to a key is indented deeper than "
            "the key. The line shown is in a column where nothing began."
        ),
        wrong="fields:\n    title: string\n  notes: text",
        right="fields:\n  title: string\n  notes: text",
    ),
    "RS151": CodeInfo(
        title="a text that begins with a reserved character",
        meaning=(
            "`@`, `` ` `` and `%` are reserved by YAML; `,` and closing brackets separate and end; `|` and `>` announce a text on the "
            "following lines. A text that begins with one of them needs quotes."
        ),
        wrong="example: @ada",
        right='example: "@ada"',
    ),
    "RS152": CodeInfo(
        title="something after a closing quote or bracket",
        meaning=(
            "A value ends with its closing quote or bracket. What follows on the line belongs to nothing: the text has a quote inside that "
            "ended it too early, or the quotes do not go around all of it."
        ),
        wrong="message: 'Say how it's done.'",
        right='message: "Say how it\'s done."',
    ),
    "RS153": CodeInfo(
        title="something after the end of the spec",
        meaning="`...` ends a YAML document, and so does the closing bracket of a mapping that is written in braces. More content follows.",
        wrong="{resource: Task}\nfields:\n  title: string",
        right="resource: Task\nfields:\n  title: string",
    ),
    "RS154": CodeInfo(
        title="a line without a colon",
        meaning=(
            "In a mapping each line is `key: value` or `key:`. The line shown has no colon, and does not go on with a text above it either."
        ),
        wrong="fields:\n  title: string\n  notes text\n  completed: boolean",
        right="fields:\n  title: string\n  notes: text\n  completed: boolean",
    ),
    "RS159": CodeInfo(
        title="not YAML, for another reason",
        meaning=(
            "The parser gave up at the place shown, for a reason for which Rowsmith has no better words. Look at the indentation, the "
            "quotes and the brackets there and on the line above."
        ),
        wrong="resource: Task\n? ? fields",
        right="resource: Task\nfields:\n  title: {type: string, max_length: 80}",
    ),
    "RS701": CodeInfo(
        title="the lock is damaged",
        meaning=(
            "app/rowsmith.lock says which files of app/ were generated, and from which specs. A line of it cannot be read, so that a "
            "generated file may look like one that was edited by hand. Nothing in the lock needs to be mended by hand."
        ),
        wrong="$ head -1 app/rowsmith.lock\nrowsmith.lo",
        right="$ git checkout app/rowsmith.lock    # where it was good once\n$ rowsmith generate",
    ),
    "RS702": CodeInfo(
        title="the lock has an unresolved merge conflict",
        meaning=(
            "Two branches changed the specs, and git could not merge app/rowsmith.lock. It needs no resolving: merge the specs, then "
            "generate. Until then both sides of the conflict count as known."
        ),
        wrong="<<<<<<< HEAD\napp/models/task.py generated resources/task.yaml 81f0…\n=======",
        right="$ git checkout --theirs app/models app/routes\n$ rowsmith generate\n$ git add app",
    ),
    "RS703": CodeInfo(
        title="the lock was written by a newer Rowsmith",
        meaning="Its format is one that this version does not know, so that going on could overwrite files that it knows and we do not.",
        wrong="$ rowsmith --version    # older than your colleague's",
        right="$ pip install --upgrade rowsmith\n$ rowsmith generate",
    ),
    "RS704": CodeInfo(
        title="the lock is missing or out of date",
        meaning=(
            "The generated files are current, but app/rowsmith.lock does not say so: it was not committed with them, or a merge left it "
            "behind. Without it, hand edits cannot be told from generated text."
        ),
        wrong="$ git add app/models app/routes",
        right="$ rowsmith generate\n$ git add app",
    ),
    "RS710": CodeInfo(
        title="a generated file is missing",
        meaning="A spec gives a file that is not there: the spec is new, the file was deleted, or it was not committed.",
        wrong="$ rm app/models/task.py",
        right="$ rowsmith generate",
    ),
    "RS711": CodeInfo(
        title="a generated file is out of date: a spec changed",
        meaning=(
            "The file was generated from an earlier state of the spec. The place shown is the part of the spec that has changed since; "
            "further changed parts follow as notes."
        ),
        wrong="$ edit resources/task.yaml    # and nothing else",
        right="$ edit resources/task.yaml\n$ rowsmith generate",
    ),
    "RS712": CodeInfo(
        title="a generated file is out of date: the generator changed",
        meaning=(
            "No spec that the file depends on has changed since it was generated, but this Rowsmith writes it differently. Generate in a "
            "commit of its own, so that the change can be reviewed apart from changes of specs."
        ),
        wrong="$ pip install --upgrade rowsmith    # and nothing else",
        right="$ pip install --upgrade rowsmith\n$ rowsmith generate",
    ),
    "RS713": CodeInfo(
        title="a generated file was edited by hand",
        meaning=(
            "The file is neither what the specs give now nor what was generated last. The next run would lose the edit, so `generate` "
            "refuses it. What the spec language can say belongs into the spec, everything else into a hook in app/extensions/, or into "
            "`setup()` of app/extensions/__init__.py."
        ),
        wrong="# app/routes/tasks.py\nasync def create_task(...):\n    send_mail(...)    # added by hand",
        right=(
            "# resources/task.yaml\nhooks: [after_commit]\n\n"
            "# app/extensions/task.py\nasync def after_commit(change: Change[Task]) -> None:\n    send_mail(...)"
        ),
    ),
    "RS714": CodeInfo(
        title="a generated file is left over",
        meaning="The spec that it came from is gone, or gives another file now. As nobody has edited it, `generate` deletes it.",
        wrong="$ rm resources/task.yaml    # and nothing else",
        right="$ rm resources/task.yaml\n$ rowsmith generate",
    ),
    "RS715": CodeInfo(
        title="a generated file is left over, and was edited by hand",
        meaning="The spec that it came from is gone, but the file holds an edit that deleting it would lose.",
        wrong="$ rm resources/task.yaml\n$ rowsmith generate",
        right="$ rm resources/task.yaml\n$ rowsmith generate --force app/models/task.py",
    ),
    "RS716": CodeInfo(
        title="a file stands where a generated one belongs",
        meaning="The lock does not know the file, so it may be yours. It is neither overwritten nor deleted.",
        wrong="$ touch app/models/task.py\n$ rowsmith new Task title:string\n$ rowsmith generate",
        right="$ mv app/models/task.py app/extensions/\n$ rowsmith generate",
    ),
    "RS717": CodeInfo(
        title="a file says that it was generated, but nothing knows it",
        meaning=(
            "A file in app/models/ or app/routes/ bears the header of a generated file, but no spec gives it and the lock does not "
            "know it: it was copied, or its resource was removed while the lock was lost. It is not deleted for you."
        ),
        wrong="$ cp app/models/task.py app/models/task_copy.py",
        right="$ rm app/models/task_copy.py",
    ),
    "RS718": CodeInfo(
        title="something that is no file stands where a generated one belongs",
        meaning="It is a folder, a named pipe, or a symbolic link that leads out of the project. Nothing is written through it.",
        wrong="$ ln -s /etc/hosts app/models/task.py",
        right="$ rm app/models/task.py\n$ rowsmith generate",
    ),
    "RS720": CodeInfo(
        title="a declared hook is not defined",
        meaning=(
            "The spec declares a hook that its extension file does not define, so the generated routes would fail on import. The file is "
            "yours and is not changed for you: the hint shows the function to add."
        ),
        wrong="hooks: [before_create, after_commit]    # and only before_create in app/extensions/task.py",
        right="async def after_commit(change: Change[Task]) -> None:\n    ...",
    ),
    "RS721": CodeInfo(
        title="a function looks like a hook but is none",
        meaning="Its name is no hook's, so it would never run. Give it a hook's name, or, where it is a helper, another one.",
        wrong="async def before_crate(session: Transaction, row: Task) -> None: ...",
        right="async def before_create(session: Transaction, row: Task) -> None: ...",
    ),
    "RS722": CodeInfo(
        title="a hook is defined but not declared",
        meaning="Only the hooks that a spec declares are called: this one would never run.",
        wrong="hooks: [before_create]    # and after_commit in app/extensions/task.py",
        right="hooks: [before_create, after_commit]",
    ),
    "RS723": CodeInfo(
        title="a hook has a stale signature",
        meaning="The generated routes call a hook with its arguments in order. Names, annotations and `async` must be those of the hint.",
        wrong="async def before_update(session: Transaction, row: Task) -> None: ...",
        right="async def before_update(session: Transaction, row: Task, changes: dict[str, Any]) -> None: ...",
    ),
    "RS724": CodeInfo(
        title="an extension file is missing",
        meaning="The spec declares hooks, but the file that defines them is not there.",
        wrong="$ rm app/extensions/task.py",
        right="$ rowsmith generate    # creates it once, with a stub for each hook",
    ),
    "RS725": CodeInfo(
        title="an extension file is not valid Python",
        meaning="Its hooks cannot be compared with the spec, and the application would not start.",
        wrong="async def before_create(session, row)\n    ...",
        right="async def before_create(session: Transaction, row: Task) -> None:\n    ...",
    ),
    "RS726": CodeInfo(
        title="an extension file belongs to no resource",
        meaning="It was created for a resource that no spec defines any more. It is yours, so it is never deleted for you.",
        wrong="$ rm resources/task.yaml\n$ rowsmith generate",
        right="$ rm resources/task.yaml app/extensions/task.py\n$ rowsmith generate",
    ),
    "RS730": CodeInfo(
        title="a spec is not formatted",
        meaning=(
            "`rowsmith fmt` would write the spec differently: another order of keys, other spaces or quotes. The meaning is the same. The "
            "place shown is the first line that differs."
        ),
        wrong="fields:\n    title:  {max_length: 80, type: 'string'}",
        right="fields:\n  title: {type: string, max_length: 80}",
    ),
}
