"""Everything on one machine: embedded servers, child processes, and who watches them."""
