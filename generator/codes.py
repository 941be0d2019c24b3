"""The long text of every diagnostic code, for `rowsmith explain CODE` and for SARIF.

How to add a code:

1. Take the next free number of its group: RS1xx files, syntax and characters; RS2xx names and references; RS3xx types and values;
   RS4xx constraints, checks and indexes; RS5xx operations, hooks and pages; RS6xx warnings; RS7xx differences that `check` finds;
   RS8xx what `audit` finds;
   RS9xx not available in this version. A published code is never given another meaning.
2. Add an entry to `CODES` below, in the order of the codes. `title` is one line without a full stop. `meaning` says what is wrong and
   why it is refused, in two or three sentences. `wrong` and `right` are the same few lines of YAML (or shell) before and after.
3. Add a case for it to tests/errors (see the docstring of tests/errors/conftest.py).

Tests check that every code used in generator/ is documented here, that every documented one is used, and that each has a case.
"""

from __future__ import annotations

from collections.abc import Mapping

from generator.records import record


@record
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
    "RS201": CodeInfo(
        title="a name that no resource can have",
        meaning=(
            "The name of a resource begins with a capital letter, followed by letters and digits of ASCII, at most 48 of them. It "
            "becomes the name of a Python class; letters of other alphabets that look alike would make two names that nobody can "
            "tell apart."
        ),
        wrong="resource: line_item",
        right="resource: LineItem",
    ),
    "RS202": CodeInfo(
        title="a name that no field can have",
        meaning=(
            "The name of a field, inverse or check begins with a small letter, followed by small letters, digits and single "
            "underscores of ASCII, at most 48 of them. Two underscores in a row separate a field from an operator in a query string"
            " (`due_at__gte`), so that names cannot have them."
        ),
        wrong="fields:\n  dueAt: datetime",
        right="fields:\n  due_at: datetime",
    ),
    "RS203": CodeInfo(
        title="a reference to a resource that no spec describes",
        meaning=(
            "Each reference names a resource, by its `resource:` and not by its file, table or URL. The resource is described by a "
            "file of its own in the folder resources."
        ),
        wrong="fields:\n  project: ref(Projet)",
        right="fields:\n  project: ref(Project)",
    ),
    "RS204": CodeInfo(
        title="an unknown key",
        meaning=(
            "No part of a spec takes keys that it does not know: a misspelt key would silently have no effect. The hint names the "
            "key that was probably meant."
        ),
        wrong="title: {type: string, max_lenght: 80}",
        right="title: {type: string, max_length: 80}",
    ),
    "RS205": CodeInfo(
        title="a required key is missing",
        meaning=(
            "A resource needs `resource` and `fields`, and a field its `type`. Some types need more: `decimal` its `precision` and "
            "`scale`, `enum` its `values`, `list` its `of`, `ref` its `to`. A check needs `name`, `rule` and `message`."
        ),
        wrong="price: decimal",
        right="price: {type: decimal, precision: 10, scale: 2}",
    ),
    "RS206": CodeInfo(
        title="a reserved name",
        meaning=(
            "The name would hide something that every resource has: a built-in column (`id`, `user_id`, `created_at`, `updated_at`,"
            " `version`), an attribute of SQLModel, a parameter of lists (`limit`, `sort`, `q`) or a system column of PostgreSQL. "
            "For the same reason no reference is named `user`: its column would be `user_id`."
        ),
        wrong="metadata: json",
        right="details: json",
    ),
    "RS207": CodeInfo(
        title="a Python keyword as a name",
        meaning=(
            "Fields and resources become names in Python, where keywords are none. Soft keywords such as `type`, `match` and `case`"
            " are fine, and so is a trailing underscore."
        ),
        wrong="class: string",
        right="class_: string",
    ),
    "RS208": CodeInfo(
        title="a spec with another file name than its resource",
        meaning=(
            "The file of a resource is named after it in snake case, so that both can be found by name: `LineItem` is described by "
            "line_item.yaml, `HTTPLog` by http_log.yaml."
        ),
        wrong="# resources/items.yaml\nresource: LineItem",
        right="# resources/line_item.yaml\nresource: LineItem",
    ),
    "RS209": CodeInfo(
        title="two owners of one name",
        meaning=(
            "Two specs describe the same resource, or two resources get the same table or class: plurals may be equal, and the "
            "classes `TaskCreate`, `TaskReplace`, `TaskUpdate` and `TaskRead` belong to `Task`, as does the enum `TaskPriority` of "
            "its field `priority`."
        ),
        wrong="# resources/person.yaml\nresource: Person\n\n# resources/people.yaml\nresource: People",
        right="# resources/people.yaml\nresource: People\nplural: peoples",
    ),
    "RS210": CodeInfo(
        title="a field that is the column of a reference",
        meaning=(
            "A reference `project` is the column `project_id`, in the database and in JSON. A field of that name beside it would be"
            " the same column."
        ),
        wrong="fields:\n  project: ref(Project)\n  project_id: uuid",
        right="fields:\n  project: ref(Project)",
    ),
    "RS211": CodeInfo(
        title="a plural that no table can have",
        meaning=(
            "The plural names the table, the module of the routes and the URL. It is written like the name of a field, does not end"
            " with an underscore, and is neither a Python keyword nor the name of one of the database's own tables."
        ),
        wrong="plural: Line-Items",
        right="plural: line_items",
    ),
    "RS212": CodeInfo(
        title="an inverse whose name is taken",
        meaning=(
            "`inverse` is a name on the resource that is referred to: the path `/projects/{project_id}/<inverse>` and a word of "
            "`expand`. Two references to the same resource need two names, and none may be a field of it."
        ),
        wrong="fields:\n  author: {type: ref, to: Person, inverse: tasks}\n  assignee: {type: ref, to: Person, inverse: tasks}",
        right=(
            "fields:\n"
            "  author: {type: ref, to: Person, inverse: written_tasks}\n"
            "  assignee: {type: ref, to: Person, inverse: assigned_tasks}"
        ),
    ),
    "RS213": CodeInfo(
        title="a resource that refers to itself and may not be null",
        meaning="The first row would have to refer to a row that exists already, and there is none.",
        wrong="parent: ref(Task)",
        right="parent: ref(Task)?",
    ),
    "RS214": CodeInfo(
        title="a circle of references that may not be null",
        meaning=(
            "Each of the resources needs a row of the next one to exist first, so that no row of any of them can ever be created. "
            "One reference of the circle has to be nullable."
        ),
        wrong="# in task.yaml\nproject: ref(Project)\n# in project.yaml\nfirst_task: ref(Task)",
        right="# in task.yaml\nproject: ref(Project)\n# in project.yaml\nfirst_task: ref(Task)?",
    ),
    "RS215": CodeInfo(
        title="set_null on a reference that may not be null",
        meaning="`on_delete: set_null` clears the reference when its target is deleted, which only a nullable one allows.",
        wrong="project: {type: ref, to: Project, on_delete: set_null}",
        right="project: {type: ref, to: Project, nullable: true, on_delete: set_null}",
    ),
    "RS216": CodeInfo(
        title="a rename that cannot have happened",
        meaning=(
            "`renamed_from` gives the former name of a resource, field or enum value, so that a migration keeps its data. The "
            "former name must be gone, and only one can have come from it. After two renames in a row the last former name is "
            "enough."
        ),
        wrong="title: {type: string, renamed_from: name}\nname: string",
        right="title: {type: string, renamed_from: name}",
    ),
    "RS217": CodeInfo(
        title="an unknown field",
        meaning=(
            "The list names something that is no field of the resource. References stand here by their names in the spec, `project`"
            " and not `project_id`. `indexes` also take `id`, `created_at`, `updated_at` and `version`; the owner is part of every "
            "constraint and index without saying so."
        ),
        wrong="unique:\n  - [project_id, slug]",
        right="unique:\n  - [project, slug]",
    ),
    "RS218": CodeInfo(
        title="a name that stands twice in a list",
        meaning="The same field, operation, hook or check stands twice where each may stand once.",
        wrong="operations: [list, get, get]",
        right="operations: [list, get]",
    ),
    "RS219": CodeInfo(
        title="a link that links nothing",
        meaning=(
            "`link` makes a resource a many-to-many link. It names two different references of the resource, neither nullable; a "
            "link is deleted with either of its ends."
        ),
        wrong="fields:\n  task: ref(Task)\n  tag: ref(Tag)?\nlink: [task, tag]",
        right="fields:\n  task: ref(Task)\n  tag: ref(Tag)\nlink: [task, tag]",
    ),
    "RS220": CodeInfo(
        title="no fields, or too many",
        meaning=(
            "A resource has at least one field and at most 1,000, because PostgreSQL's tables end at 1,600 columns and fewer where "
            "they are wide."
        ),
        wrong="resource: Task\nfields: {}",
        right="resource: Task\nfields:\n  title: string",
    ),
    "RS221": CodeInfo(
        title="two links with one path",
        meaning="The path of a link is made of its two ends, in their order: `/tasks/{task_id}/tags/{tag_id}`. It belongs to one link.",
        wrong="# task_tag.yaml\nlink: [task, tag]\n# favourite.yaml\nlink: [task, tag]",
        right="# task_tag.yaml\nlink: [task, tag]\n# favourite.yaml\nlink: [tag, task]",
    ),
    "RS222": CodeInfo(
        title="rows that can be restored, but not what is deleted with them",
        meaning=(
            "Deleted rows of a resource with `soft_delete` can be restored, and then everything that was deleted with them comes back. "
            "Rows that a cascade or a link deletes with them must be kept as well."
        ),
        wrong="# task.yaml\nsoft_delete: true\n# comment.yaml\ntask: {type: ref, to: Task, on_delete: cascade}",
        right="# task.yaml\nsoft_delete: true\n# comment.yaml\ntask: {type: ref, to: Task, on_delete: cascade}\nsoft_delete: true",
    ),
    "RS301": CodeInfo(
        title="an unknown type",
        meaning=(
            "The types are string, text, integer, bigint, float, decimal, boolean, date, time, datetime, uuid, enum, json, email, "
            "url, list and ref. A list takes all scalars but text as its items."
        ),
        wrong="title: varchar",
        right="title: string",
    ),
    "RS302": CodeInfo(
        title="a key that the type does not have",
        meaning=(
            "Each type takes the keys that mean something for it: lengths for texts, limits for numbers, dates and times, `to` and "
            "`on_delete` for references. A key without effect would be a promise that nobody keeps."
        ),
        wrong="amount: {type: integer, max_length: 3}",
        right="amount: {type: integer, le: 999}",
    ),
    "RS303": CodeInfo(
        title="a value of the wrong kind for its key",
        meaning=(
            "The key takes another kind of value: text, a whole number, `true` or `false`, a list or a mapping. Specs are read as "
            "YAML 1.2, where `yes`, `no`, `on` and `off` are texts."
        ),
        wrong="title: {type: string, nullable: yes}",
        right="title: {type: string, nullable: true}",
    ),
    "RS304": CodeInfo(
        title="a value beyond all limits",
        meaning="A number with more digits than any limit of a spec, a name of more than 128 characters, or a list of more than 100 names.",
        wrong="title: {type: string, max_length: 99999999999999999999}",
        right="title: {type: string, max_length: 200}",
    ),
    "RS305": CodeInfo(
        title="a word that the key does not know",
        meaning="The key takes one of a few words.",
        wrong="project: {type: ref, to: Project, on_delete: nullify}",
        right="project: {type: ref, to: Project, on_delete: restrict}",
    ),
    "RS306": CodeInfo(
        title="a value of another type than its field",
        meaning=(
            "A default, example or limit is a value of its field's type. Nothing is converted: texts stand between quotes where "
            "YAML would read a number, whole numbers have no point, dates and times are RFC 3339 (`2026-02-28`, `12:30:00`, "
            "`2026-02-28T12:30:00Z`). Numbers are written plainly: `0777`, `1_000`, `.nan` and `.inf` are none."
        ),
        wrong='amount: {type: integer, default: "5"}',
        right="amount: {type: integer, default: 5}",
    ),
    "RS307": CodeInfo(
        title="a value that its own field would refuse",
        meaning=(
            "The default or example breaks a constraint of its field, such as its length, limits, pattern or values, or lies "
            "outside the range of its type. Every row that relied on it would be refused."
        ),
        wrong="title: {type: string, max_length: 3, default: untitled}",
        right="title: {type: string, max_length: 80, default: untitled}",
    ),
    "RS308": CodeInfo(
        title="constraints that contradict each other",
        meaning="No value at all satisfies the constraints together.",
        wrong="amount: {type: integer, ge: 10, le: 5}",
        right="amount: {type: integer, ge: 5, le: 10}",
    ),
    "RS309": CodeInfo(
        title="a number outside the range of its key",
        meaning="The key takes numbers of a certain range: lengths from 0, a `precision` of 1 to 38, `max_items` from 1.",
        wrong="price: {type: decimal, precision: 60, scale: 2}",
        right="price: {type: decimal, precision: 38, scale: 2}",
    ),
    "RS310": CodeInfo(
        title="an enum value that is no text",
        meaning=(
            "An enum has at least one value, and each is a text that is not empty. YAML reads `1`, `true` and `null` as something "
            "else than texts unless they stand between quotes."
        ),
        wrong="size: {type: enum, values: [1, 2]}",
        right='size: {type: enum, values: ["1", "2"]}',
    ),
    "RS311": CodeInfo(
        title="an enum value that stands twice",
        meaning="Each value of an enum stands once.",
        wrong="size: {type: enum, values: [small, large, small]}",
        right="size: {type: enum, values: [small, large]}",
    ),
    "RS312": CodeInfo(
        title="two enum values with one name",
        meaning=(
            "The members of the generated enum are named after its values: `in-progress` becomes IN_PROGRESS, `2x` becomes "
            "VALUE_2X. Where two values give the same name, or the name is no identifier, say it in the long form."
        ),
        wrong="grade: {type: enum, values: [A, A+]}",
        right="grade: {type: enum, values: [A, {value: A+, name: a_plus}]}",
    ),
    "RS313": CodeInfo(
        title="a field that nothing fills",
        meaning=(
            "With `write: never` no body may hold the field. It needs a default, has to be nullable, or a hook `before_create` "
            "gives it a value."
        ),
        wrong="number: {type: string, write: never}",
        right="number: {type: string, write: never}\n…\nhooks: [before_create]",
    ),
    "RS330": CodeInfo(
        title="a pattern that is no regular expression",
        meaning=(
            "The pattern cannot be read: a bracket without its partner, a quantifier with nothing to repeat, an unknown escape. Put "
            "patterns in single quotes, in which YAML leaves backslashes alone."
        ),
        wrong="slug: {type: string, pattern: '^[a-z+$'}",
        right="slug: {type: string, pattern: '^[a-z]+$'}",
    ),
    "RS331": CodeInfo(
        title="a pattern that engines read differently",
        meaning=(
            "A pattern runs in Pydantic and, as a constraint of the table, in PostgreSQL. It may use what means the same in both: "
            "literals, sets such as [a-z], groups, `|`, `*`, `+`, `?`, counts up to 255, `.`, and `^` and `$` for the start and end of"
            " the whole text. `\\d`, `\\w` and `\\s` stand for different characters in the two; write the set that you mean. "
            "Look-around, references to groups, flags and Unicode properties do not exist in both."
        ),
        wrong="code: {type: string, pattern: '^\\d{3}$'}",
        right="code: {type: string, pattern: '^[0-9]{3}$'}",
    ),
    "RS332": CodeInfo(
        title="a pattern that is too large",
        meaning=(
            "Counts in counts multiply, and counts of something that can be empty even more: PostgreSQL would need seconds for a "
            "single row, or refuse the pattern."
        ),
        wrong="words: {type: string, pattern: '^((a?){40}){100}$'}",
        right="words: {type: string, pattern: '^a*$', max_length: 4000}",
    ),
    "RS401": CodeInfo(
        title="a field that has no order",
        meaning=(
            "`unique` and `indexes` take fields that can be compared: all scalars, enums and references. A list gets an index of "
            "its own with `index: true`."
        ),
        wrong="unique:\n  - [tags]",
        right="unique:\n  - [title]",
    ),
    "RS402": CodeInfo(
        title="unique with a constant default",
        meaning="Only one row of an owner could ever have the default; the second one that relied on it would be refused.",
        wrong="slug: {type: string, unique: true, default: untitled}",
        right="slug: {type: string, unique: true}",
    ),
    "RS403": CodeInfo(
        title="the same key twice",
        meaning=(
            "Two entries of `unique` have the same fields, or two of `indexes` the same fields in the same order. `unique: true` of"
            " a field counts as an entry."
        ),
        wrong="slug: {type: string, unique: true}\n…\nunique:\n  - [slug]",
        right="slug: {type: string, unique: true}",
    ),
    "RS404": CodeInfo(
        title="a key of no fields, or of too many",
        meaning=(
            "An entry of `unique` or `indexes` names 1 to 31 fields; PostgreSQL's indexes end at 32 columns, and the owner is "
            "always the first. Each of `unique`, `indexes` and `checks` has at most 100 entries."
        ),
        wrong="unique:\n  - []",
        right="unique:\n  - [title]",
    ),
    "RS405": CodeInfo(
        title="a reference without its index",
        meaning=(
            "Deleting a row looks for the rows that refer to it. Without an index every deletion would read all rows of the owner, "
            "so that references always have one."
        ),
        wrong="project: {type: ref, to: Project, index: false}",
        right="project: {type: ref, to: Project}",
    ),
    "RS406": CodeInfo(
        title="a check without a message",
        meaning="The message of a check is what a user reads when a request breaks the rule.",
        wrong='checks:\n  - {name: done_has_notes, rule: "notes is not null", message: ""}',
        right='checks:\n  - name: done_has_notes\n    rule: "notes is not null"\n    message: Say how it ended.',
    ),
    "RS407": CodeInfo(
        title="a field is sortable, but never read",
        meaning=(
            "The order of a list shows how the values compare, and a cursor holds the values that the page ends with. Neither can be had "
            "of a field that no answer may hold."
        ),
        wrong="fields:\n  pin: {type: string, read: never, sort: true}",
        right="fields:\n  pin: {type: string, read: never}",
    ),
    "RS408": CodeInfo(
        title="a computed field that is not stored in an index",
        meaning="`unique` and `indexes` take what the table has. A computed field is in it with `stored: true` only.",
        wrong="fields:\n  total: {type: integer, computed: price * 2}\nindexes:\n  - [total]",
        right="fields:\n  total: {type: integer, computed: price * 2, stored: true}\nindexes:\n  - [total]",
    ),
    "RS410": CodeInfo(
        title="a rule that cannot be read",
        meaning=(
            "A rule is one condition: comparisons (`=`, `<>`, `<`, `<=`, `>`, `>=`), `in (…)`, `between … and …` and `is [not] null`, "
            "joined by `and`, `or`, `not` and parentheses. Texts stand in single quotes, a quote in them is written twice, and a field "
            "whose name is a keyword stands in double quotes."
        ),
        wrong='rule: "starts_at < ends_at < due_at"',
        right='rule: "starts_at < ends_at and ends_at < due_at"',
    ),
    "RS411": CodeInfo(
        title="a rule with an unknown field",
        meaning=(
            "A rule sees the fields of its own resource by the names they have in the spec; a reference is `project`, not "
            "`project_id`. Built-in fields such as `created_at` are not among them."
        ),
        wrong='rule: "not complete or notes is not null"',
        right='rule: "not completed or notes is not null"',
    ),
    "RS412": CodeInfo(
        title="a rule with an unknown function",
        meaning=(
            "Rules know three functions, each of one text: `length` counts characters, `lower` and `upper` change the case of the "
            "letters A to Z."
        ),
        wrong='rule: "len(title) > 3"',
        right='rule: "length(title) > 3"',
    ),
    "RS413": CodeInfo(
        title="a rule whose types do not fit",
        meaning=(
            "Values are compared with values of their own type, numbers are calculated with numbers, and `and`, `or` and `not` join "
            "conditions. Nothing is converted silently."
        ),
        wrong="rule: \"estimate > '5'\"",
        right='rule: "estimate > 5"',
    ),
    "RS414": CodeInfo(
        title="a comparison with null",
        meaning=(
            "As in SQL, a comparison with null is neither true nor false but unknown, and a rule that is unknown passes. So it would "
            "never refuse anything. Ask with `is null` or `is not null`."
        ),
        wrong='rule: "not completed or notes <> null"',
        right='rule: "not completed or notes is not null"',
    ),
    "RS415": CodeInfo(
        title="a rule, or a part of one, that is always the same",
        meaning=(
            "A comparison without a field, of a field with itself, a null test of a field that is never null or a range that ends "
            "before it begins decides nothing. It is probably not what was meant."
        ),
        wrong='rule: "priority between 5 and 1"',
        right='rule: "priority between 1 and 5"',
    ),
    "RS416": CodeInfo(
        title="a rule that is too large",
        meaning=(
            "A rule has at most 2,000 characters, 200 fields and literals and 32 levels of nesting, a number at most 40 digits. Several "
            "short rules also give better messages than a long one."
        ),
        wrong='rule: "amount < 1000000000000000000000000000000000000000000"',
        right='rule: "amount < 1000000000"',
    ),
    "RS417": CodeInfo(
        title="a literal that the field cannot have",
        meaning=(
            "A text that is compared with an enum is one of its values; one that is compared with a date, time, datetime or uuid is "
            "written like one, as in JSON."
        ),
        wrong="rule: \"priority <> 'hihg'\"",
        right="rule: \"priority <> 'high'\"",
    ),
    "RS418": CodeInfo(
        title="a computed field of another type",
        meaning=(
            "A condition gives a boolean, a calculation with integers an integer or bigint, any other calculation a decimal, and a text a "
            "string or text. Nothing is converted silently, and there is no expression for the other types."
        ),
        wrong='total: {type: integer, computed: "price * 1.2"}',
        right='total: {type: decimal, precision: 12, scale: 2, computed: "price * 1.2"}',
    ),
    "RS419": CodeInfo(
        title="a computed field that can be null",
        meaning=(
            "An expression is null when a field in it is, and when it divides by zero. The type of the field says so, because clients rely "
            "on it."
        ),
        wrong='is_late: {type: boolean, computed: "due_at < started_at"}',
        right='is_late: {type: boolean, nullable: true, computed: "due_at < started_at"}',
    ),
    "RS501": CodeInfo(
        title="a resource without operations",
        meaning="A resource offers at least one operation. Without the key it offers all of them but batch.",
        wrong="operations: []",
        right="operations: [list, get]",
    ),
    "RS502": CodeInfo(
        title="page sizes that do not fit",
        meaning="The sizes of a page are 1 to 1,000, and the default is at most the maximum.",
        wrong="page: {default: 200, max: 100}",
        right="page: {default: 100, max: 200}",
    ),
    "RS503": CodeInfo(
        title="an upsert that cannot be",
        meaning=(
            "`upsert` finds the row to replace by its natural key, which must be one of the unique keys of the resource, and which bodies "
            "may hold. It needs the operations `create` and `replace`."
        ),
        wrong="upsert: [slug]",
        right="unique:\n  - [slug]\nupsert: [slug]",
    ),
    "RS504": CodeInfo(
        title="a filter that goes through no reference",
        meaning="Each of `filters` is a reference of the resource and a field of its target, with a point between.",
        wrong="filters: [name]",
        right="filters: [project.name]",
    ),
    "RS505": CodeInfo(
        title="a batch without a part",
        meaning="A batch does what the operations `create`, `update` and `delete` do, as far as the resource has them.",
        wrong="operations: [list, get, batch]",
        right="operations: [list, get, create, batch]",
    ),
    "RS601": CodeInfo(
        title="a default that looks like a secret",
        meaning=(
            "Defaults are committed, generated into code and published in OpenAPI. A password or key there is no secret any more. "
            "Secrets belong into settings; a hook can fill the field."
        ),
        wrong='api_token: {type: string, default: "hunter2"}',
        right="api_token: string",
    ),
    "RS602": CodeInfo(
        title="a derived name that was shortened",
        meaning=(
            "Constraints and indexes are named after their table and columns. PostgreSQL's names are short, so that longer ones "
            "keep their beginning and end with a hash. They work; they are hard to read in a plan or an error."
        ),
        wrong="resource: InternationalShipmentDeclaration\n…\nunique:\n  - [declaration_number, country_of_origin]",
        right="resource: InternationalShipmentDeclaration\nplural: declarations\n…\nunique:\n  - [declaration_number, country_of_origin]",
    ),
    "RS603": CodeInfo(
        title="a sortable field without its index",
        meaning=(
            "Every order that clients may ask for has an index, so that a page costs the same at any depth. With `index: false` "
            "each page reads and sorts all rows of the owner."
        ),
        wrong="title: {type: string, sort: true, index: false}",
        right="title: {type: string, sort: true}",
    ),
    "RS604": CodeInfo(
        title="a text that is too long for an index",
        meaning=(
            "An entry of a PostgreSQL index has at most 2,704 bytes. A text that may be longer than 2,048 characters cannot rely on"
            " one: an order gets none, and a row whose value is too long for a unique key or an index of its own is refused."
        ),
        wrong="url: {type: url, max_length: 8000, unique: true}",
        right="url: {type: url, unique: true}",
    ),
    "RS605": CodeInfo(
        title="a nested quantifier",
        meaning=(
            "The pattern repeats something that is itself repeated without a bound. Neither of our engines minds, but many others need "
            "exponential time for such a pattern, and clients get it from the OpenAPI document. It can be written without."
        ),
        wrong="path: {type: string, pattern: '^([a-z]+)+$'}",
        right="path: {type: string, pattern: '^[a-z]+$'}",
    ),
    "RS606": CodeInfo(
        title="a link without one of its paths",
        meaning=(
            "A link is made by PUT and taken away by DELETE at the path of its pair, with nothing but the pair and without hooks. Where "
            "the spec asks for more, the path is left out; the link's own routes are there all the same."
        ),
        wrong="link: [task, tag]\nfields:\n  task: ref(Task)\n  tag: ref(Tag)\n  note: string",
        right="link: [task, tag]\nfields:\n  task: ref(Task)\n  tag: ref(Tag)\n  note: string?",
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
        wrong="hooks: [before_create, after_commit]\n# app/extensions/task.py has before_create only",
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
        right="async def before_update(\n    session: Transaction, row: Task, changes: dict[str, Any]\n) -> None: ...",
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
    "RS740": CodeInfo(
        title="the specs have changes that no revision has",
        meaning=(
            "Once a project has revisions, they alone change its databases. A change of the specs without one would be served on tables "
            "that lack it. `rowsmith db revision` compares the specs with the last revision, and needs no database."
        ),
        wrong="$ rowsmith generate    # after an edit of resources/task.yaml",
        right="$ rowsmith generate\n$ rowsmith db revision",
    ),
    "RS741": CodeInfo(
        title="the revisions cannot be gone on from",
        meaning=(
            "Two branches have added one each, or a file in app/db/migrations is missing, damaged, or no revision. The message says which "
            "of these, and the hint how it is mended."
        ),
        wrong="$ rm app/db/migrations/database.json",
        right="$ git checkout HEAD -- app/db/migrations/database.json",
    ),
    "RS742": CodeInfo(
        title="a revision was edited",
        meaning=(
            "A revision that has run on a database is never run there again, so an edit of it would hold for new databases only. Steps of "
            "your own go into a revision before it is merged: `rowsmith db revision --edited` notes that they are meant."
        ),
        wrong="$ vi app/db/migrations/versions/0001_create_tasks.py    # merged last week",
        right="$ rowsmith db revision --empty -m 'Fill in what was missing'",
    ),
    "RS743": CodeInfo(
        title="the revisions do not do what they should",
        meaning=(
            "`rowsmith db check` has run each revision up, down and up again over rows. One cannot be run, loses rows, or does not lead "
            "back; or the end is not the database of the models. Steps that were written or changed by hand are the usual cause."
        ),
        wrong="def downgrade() -> None:\n    pass    # upgrade has added tasks.note",
        right='def downgrade() -> None:\n    steps.drop_column("tasks", "note")',
    ),
    "RS750": CodeInfo(
        title="a core file was edited by hand, and the core has another version of it",
        meaning=(
            "`rowsmith upgrade` refreshes the core files that are as Rowsmith wrote them. This one is not, so it is left as it is, and the "
            "difference is shown. Merge what you need of it and keep yours, or replace it."
        ),
        wrong="$ rowsmith upgrade    # after an edit of app/middleware/limits.py",
        right="$ rowsmith upgrade --keep app/middleware/limits.py    # once it is merged",
    ),
    "RS751": CodeInfo(
        title="a file is no part of the core any more, and was edited by hand",
        meaning=(
            "This version of Rowsmith has no such core file. Untouched, it would have been deleted; as it was edited, that is yours to "
            "decide."
        ),
        wrong="$ rowsmith upgrade",
        right="$ rowsmith upgrade --force app/api/old.py    # deletes it",
    ),
    "RS801": CodeInfo(
        title="an attack got through",
        meaning=(
            "`rowsmith audit` sent a request as one user that reached, showed or changed what belongs to another one, or whose answer "
            "told a row of somebody else's apart from a row of nobody. Until it is mended, every user of the API can do the same.\n\n"
            "Generated code holds against all attacks, so the cause is most often a hand-edited file, a hook, or a route or middleware "
            "of your own that stands before the generated one."
        ),
        wrong='@router.get("/{task_id}")\nasync def get_task(user_id: str, ...):  # unverified',
        right='@router.get("/{task_id}")\nasync def get_task(user_id: OwnerId, ...):',
    ),
    "RS802": CodeInfo(
        title="an operation could not be proven to hold",
        meaning=(
            "The audit could not make a request that its own user may send: a refusal of another user's request proves nothing where "
            "everything is refused. Most often a rule of `checks`, a pattern or a hook refuses the values that the audit makes up.\n\n"
            "An `example` in the spec of a field is what the audit sends."
        ),
        wrong='fields:\n  code: {type: string, pattern: "^[A-Z]{2}[0-9]{7}$"}',
        right='fields:\n  code: {type: string, pattern: "^[A-Z]{2}[0-9]{7}$", example: AB1234567}',
    ),
}
