"""The method: functions from values to values that know no files, threads or screens."""
