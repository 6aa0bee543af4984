"""uTask's templates: documents that describe a task, its inputs and its steps.

This room reads them, checks them as uTask does when it starts, and gives typed templates.

Source: https://github.com/ovh/utask (README, and its behaviour in version 1.35).
"""
