"""Files that a page gives to save."""

from flask import Response


def csv_file(data: bytes, name: str) -> Response:
    """A CSV to be saved under a name; the name is ours, never a person's typing."""
    return Response(
        data, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def xlsx_file(data: bytes, name: str) -> Response:
    """An Excel workbook to be saved under a name; the name is ours, never a person's typing."""
    return Response(
        data,
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
