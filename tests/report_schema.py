"""Write the JSON schema of report.json from its types: `make schema`."""

from pathlib import Path

from neuroinspect_tui.session import report_model
from neuroinspect_tui.session.atomic import json_text

FILE = Path(report_model.__file__).parent / "schema" / "report.schema.json"

if __name__ == "__main__":
    FILE.write_text(json_text(report_model.json_schema()))
