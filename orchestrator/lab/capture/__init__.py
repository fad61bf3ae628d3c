"""Record the networks of a lab, and read what was recorded as traffic events.

`recorder.py` starts and finds the container that records. `lab_capture.py` is the capture of one lab: start, stop,
save, read. `recording.py` turns what tshark prints into events; `tls_keys.py` brings it the session keys. `window.py`
records for as long as one command takes.
"""
