/** What an operation does to the world, at most. */
export type Effect = 'read' | 'write' | 'execute' | 'admin';
