"""What became of a whole file upstream: who moved, deleted or replaced it, and where it is now."""

from forkbot.git.merge import IndexEntry
from forkbot.git.trees import Entry
from forkbot.model.conflict import Owner
from forkbot.rebase.ground import Ground
from forkbot.rebase.moved import Gained
from forkbot.rebase.owners import Blame
from forkbot.rebase.torn import File
from forkbot.rebase.turning import Question, followed, renamed, turned
from forkbot.text import decode
from forkbot.words import Oid


class FileFates:
    """Answers for one rebase; nobody is named where no upstream line leads from base to onto."""

    def __init__(self, ground: Ground, *, blame: Blame, gained: Gained) -> None:
        self._ground = ground
        self._blame = blame
        self._gained = gained

    def of(self, file: File) -> tuple[str, tuple[Owner, ...]]:
        """Return where onto has the file when not where it was, and whom to ask about that.

        A file that git follows to its new name is told of like one that it does not follow.
        """
        if file.base is None and file.upstream is None:
            return self._folder(file)
        if file.was and not _is_file(self._there(file.was)):
            return self._gone(file)
        if file.has_lines:
            return "", ()
        if file.ours is None and file.base is not None and file.upstream is not None:
            edits = self._ground.texts.edits(file.base.oid, file.upstream.oid)
            return "", self._blame.owners(self._blame.of(file, edits), edits)
        return "", self._since(self._same(file.now), file.now)

    def _gone(self, file: File) -> tuple[str, tuple[Owner, ...]]:
        """Tell of a file that onto has no longer under its name of old."""
        steps, now = self._followed(file)
        if file.upstream is not None:
            now = file.now  # git followed it there
        known = self._blame.commits(steps)
        owners = [Owner(by=known[oid], lines=0) for oid in reversed(steps)]
        if now:
            return decode(now), tuple(owners)
        lines = self._lines(file.base)
        if owners:
            owners[0] = Owner(by=owners[0].by, lines=len(lines), removed=True)
        found = self._gained.find(lines, path=file.was, before=None)
        return decode(found[0]) if found else "", tuple(owners)

    def _lines(self, side: IndexEntry | None) -> list[bytes]:
        regular = side is not None and side.mode.startswith("100")
        return self._ground.texts.lines(side.oid) if side is not None and regular else []

    def _followed(self, file: File) -> tuple[list[Oid], bytes]:
        base, onto, bench = self._ground.base, self._ground.onto, self._ground.bench
        if self._ground.linear:
            return followed(file.was, base=base.commit, onto=onto.commit, bench=bench)
        return [], renamed(base.tree, onto.tree, bench=bench).get(file.was, b"")

    def _folder(self, file: File) -> tuple[str, tuple[Owner, ...]]:
        """Tell of a file of ours alone: upstream has a folder there, or its folder elsewhere."""
        path = file.torn.path
        there = self._there(path)
        if there is not None and there.is_tree:
            return "", self._since(lambda tree: _is_folder(self._in(tree, path)), path)
        if file.ours is not None and file.ours.path == path:
            return "", ()
        folder = path if file.ours is None else file.ours.path.rpartition(b"/")[0]
        while (above := folder.rpartition(b"/")[0]) and self._there(above) is None:
            folder = above
        gone = self._since(lambda tree: self._in(tree, folder) is None, folder)
        return "" if file.ours is None else decode(path), gone

    def _same(self, path: bytes) -> Question:
        now = self._there(path)
        return lambda tree: self._in(tree, path) == now

    def _since(self, question: Question, path: bytes) -> tuple[Owner, ...]:
        if not (self._ground.linear and path):
            return ()
        commit = turned(
            question,
            base=self._ground.base.commit,
            onto=self._ground.onto.commit,
            paths=(path,),
            bench=self._ground.bench,
        )
        return () if commit is None else (Owner(by=self._blame.commits([commit])[commit], lines=0),)

    def _there(self, path: bytes) -> Entry | None:
        return self._in(self._ground.onto.tree, path)

    def _in(self, tree: Oid, path: bytes) -> Entry | None:
        return self._ground.bench.trees.find(tree, path)


def _is_file(entry: Entry | None) -> bool:
    return entry is not None and not entry.is_tree


def _is_folder(entry: Entry | None) -> bool:
    return entry is not None and entry.is_tree
