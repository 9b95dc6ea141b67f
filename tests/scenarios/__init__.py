"""Every kind of trouble a stack can meet, on real repositories, with the whole report compared."""
