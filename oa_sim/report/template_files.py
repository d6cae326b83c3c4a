"""Template files: the templates of pages and documents that the package ships, and a folder of edited copies.

An edited copy takes the place of the shipped template of its name; the others stay as they are shipped.
"""

from importlib.resources import files
from pathlib import Path

from oa_sim.atomic_write import atomic_folder
from oa_sim.errors import Refusal

SHIPPED = Path(str(files(__package__))) / "templates"


def template_names() -> list[str]:
    """Return the names of the shipped templates."""
    return sorted(entry.name for entry in SHIPPED.iterdir() if entry.is_file())


def template_file(name: str, folder: Path | None = None) -> Path:
    """Return a template: that of a folder of edited copies where it has one, otherwise the shipped one.

    The path may not exist where the name is not of a shipped template.
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
    """Copy the shipped templates into a folder that does not exist yet, or is empty, and return their names.

    Raises
    ------
    Refusal
        Where something is there already, or the folder cannot be written; then nothing is left behind.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal(f"--copy-templates writes a new folder, and {folder} is there already: give another")
    try:
        with atomic_folder(folder) as part:
            for name in template_names():
                (part / name).write_bytes((SHIPPED / name).read_bytes())
    except OSError as error:
        raise Refusal(f"{folder} cannot be written ({error.strerror}): give another folder") from None
    return template_names()
