"""Everything about one run, and how it is shown.

A format that other tools read is a module with ``text(reports, errors)``: from the `ReportData` of each target that was
judged, and from why each of the others could not be used, by its name, it makes what stands in the file.
"""
