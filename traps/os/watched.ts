/**
 * The directories that a watch of files has at the time, by the numbers that their news come under,
 * and as the tree that they are.
 *
 * One that has gone is given up with all below it: what happens there later, perhaps elsewhere, is
 * no news of this tree. One that has been moved within it may be found in its new place before the
 * old one is said to be gone; its number is the new place's then.
 */

/** A directory that is watched, or the file that is. */
export interface Watched {
  readonly id: number
  readonly path: string
  /** Names that were found by looking and told, before the system's own news of them. */
  readonly told: Set<string>
  /** By name. */
  readonly below: Map<string, Watched>
}

export class WatchedTree {
  private byId = new Map<number, Watched>()
  root: Watched

  constructor(id: number, path: string) {
    this.root = this.add(id, path)
  }

  get size(): number {
    return this.byId.size
  }

  of(id: number): Watched | undefined {
    return this.byId.get(id)
  }

  /** There is one of this name and number in a directory now. */
  place(within: Watched, name: string, id: number): Watched {
    const old = within.below.get(name)
    if (old !== undefined && this.byId.get(id) === old) return old
    const watched = this.add(id, `${within.path}/${name}`)
    within.below.set(name, watched)
    return watched
  }

  /** Gives up what had this name, and all below; the numbers that nothing has any more. */
  drop(within: Watched, name: string): number[] {
    const ids: number[] = []
    const gone = within.below.get(name)
    within.below.delete(name)
    const all = gone === undefined ? [] : [gone]
    for (const watched of all) {
      for (const below of watched.below.values()) all.push(below)
      if (this.byId.get(watched.id) !== watched) continue
      this.byId.delete(watched.id)
      ids.push(watched.id)
    }
    return ids
  }

  /** Begins anew, with the root alone; the numbers of all. */
  restart(): number[] {
    const ids = [...this.byId.keys()]
    const { id, path } = this.root
    this.byId = new Map()
    this.root = this.add(id, path)
    return ids
  }

  private add(id: number, path: string): Watched {
    const watched = { id, path, told: new Set<string>(), below: new Map<string, Watched>() }
    this.byId.set(id, watched)
    return watched
  }
}
