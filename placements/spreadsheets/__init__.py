"""Spreadsheets in and out, for every part that takes files: bytes to rows of text, cells to values, what was
corrected and refused, names as people write them, and workbooks to download. It knows no part."""
