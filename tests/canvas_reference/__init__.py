"""What a workflow comes to, said twice: by an interpreter that is read in a minute, and by a real worker."""
