"""Runs of judged flows: what is to be judged, what follows from verdicts, and passes.

Pure, like the rest of the kernel. Runs of floe's own flows never come here.
"""
