"""The API of utask: templates, functions, tasks, resolutions, callbacks and batches.

Source: https://github.com/ovh/utask (its behaviour in version 1.35).
"""
