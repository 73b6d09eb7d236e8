"""`carebag admin`: what an operator enters beside the hub, which may be running."""
