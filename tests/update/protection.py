"""A branch that takes no push, as a forge protects it."""

import stat

from tests.update.place import Place


def protect(place: Place) -> None:
    """Let ``main`` take no push; each that was tried is a line of the file ``asked``."""
    hook = place.git_dir / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        '#!/bin/sh\n[ "$1" != refs/heads/main ] || { echo >>asked; '
        'echo "error: GH006: Protected branch update failed for $1." >&2; exit 1; }\n'
    )
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
