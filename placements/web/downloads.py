"""Files that a page gives to save."""

from flask import Response


def csv_file(data: bytes, name: str) -> Response:
    """A CSV to be saved under a name; the name is ours, never a person's typing."""
    return _file(data, name, "text/csv")


def xlsx_file(data: bytes, name: str) -> Response:
    """An Excel workbook to be saved under a name; the name is ours, never a person's typing."""
    return _file(data, name, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")


def pdf_file(data: bytes, name: str) -> Response:
    """A PDF to be saved under a name; the name is ours, never a person's typing."""
    return _file(data, name, "application/pdf")


def calendar_file(data: bytes, name: str) -> Response:
    """An iCalendar file to be saved under a name; the name is ours, never a person's typing."""
    return _file(data, name, "text/calendar")


def _file(data: bytes, name: str, mimetype: str) -> Response:
    return Response(
        data, mimetype=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def evidence_file(data: bytes, name: str, mimetype: str) -> Response:
    """A file that somebody gave, to be saved and never shown by the browser itself; the name is ours, and
    the kind is what its content was found to be."""
    response = _file(data, name, mimetype)
    response.headers["Cache-Control"] = "no-store"
    return response
