//! A real history: the README of this program, from its first revision on.
