"""`carebag bench faults`: power cuts, kills, bad links, full and rotten disks; and that nothing safe is ever lost."""
