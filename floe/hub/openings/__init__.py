"""Events that open runs of judged flows: kept first, then judged in order."""
