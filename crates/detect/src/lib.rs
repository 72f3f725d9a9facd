//! Finds personal, payment and health data in what people say and type. Pure, no I/O.
