"""Live media of the kit: examination camera and exact body sound, peer to peer to the doctors' pages."""
