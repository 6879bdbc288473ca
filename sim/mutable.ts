/**
 * What its owner changes and everybody else only reads. A field and not an
 * accessor: V8 gives an object with accessors of its own the slow form of a
 * dictionary, and then all that is read of it, a method too, is looked up by
 * name each time.
 */
export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
