"""Template files: the templates of pages and documents that the package ships, and a folder of edited copies.

An edited copy takes the place of the shipped template of its name; the others stay as they are shipped.
"""

import os
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

from oa_sim.errors import Refusal

SHIPPED = Path(str(files(__package__))) / "templates"


def template_names() -> list[str]:
    """Return the names of the shipped templates."""
    return sorted(entry.name for entry in SHIPPED.iterdir() if entry.is_file())


def template_file(name: str, folder: Path | None = None) -> Path:
    """Return a template: that of the folder where it has one, otherwise the shipped one.

    Parameters
    ----------
    name
        Such as ``brief.html``, ``theme.css``, ``brief.docx`` or ``slides.pptx``.
    folder
        Of edited copies.

    Returns
    -------
    Path
        It may not exist where the name is not of a shipped template.
    """
    edited = folder / name if folder else None
    return edited if edited and edited.is_file() else SHIPPED / name


def check_template_folder(folder: Path | None) -> None:
    """Refuse a folder of templates that is missing or takes the place of no shipped template.

    Raises
    ------
    Refusal
        Before anything is made.
    """
    if folder is None:
        return
    if not folder.is_dir():
        raise Refusal(f"--templates needs a folder, and {folder} is none: oa-sim report --copy-templates DIR makes one")
    if not any((folder / name).is_file() for name in template_names()):
        names = ", ".join(template_names())
        raise Refusal(f"--templates: {folder} holds no template; name an edited copy as the original: {names}")


def copy_templates(folder: Path) -> list[str]:
    """Copy the shipped templates into a new folder and return their names.

    Parameters
    ----------
    folder
        That does not exist yet, or is empty.

    Raises
    ------
    Refusal
        Where something is there already, or the folder cannot be written; then nothing is left behind.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal(f"--copy-templates writes a new folder, and {folder} is there already: give another")
    copies = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        copies = Path(tempfile.mkdtemp(prefix=".templates-", dir=folder.parent))
        for name in template_names():
            (copies / name).write_bytes((SHIPPED / name).read_bytes())
        copies.chmod(0o755)
        os.replace(copies, folder)
    except OSError as error:
        raise Refusal(f"{folder} cannot be written ({error.strerror}): give another folder") from None
    finally:
        if copies:
            shutil.rmtree(copies, ignore_errors=True)
    return template_names()
