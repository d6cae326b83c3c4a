"""Formats: a report as HTML, Word, PowerPoint, Excel and data files.

Takes the document and the figures that ``report`` has made. Hands on files; a format forms no figure of its own.
"""
