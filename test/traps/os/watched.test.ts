/**
 * The directories of a watch as a tree: nothing of those that have gone is kept.
 */
import test from 'ava'
import { WatchedTree } from '../../../traps/os/watched.js'

test('one that goes takes all below it along, and leaves nothing', (t) => {
  const tree = new WatchedTree(0, '/d')
  for (let i = 1; i < 3000; i += 3) {
    const a = tree.place(tree.root, 'a', i)
    const b = tree.place(a, 'b', i + 1)
    tree.place(b, 'c', i + 2)
    t.deepEqual(tree.drop(tree.root, 'a'), [i, i + 1, i + 2])
  }
  t.is(tree.size, 1)
  t.is(tree.root.below.size, 0)
  t.deepEqual(tree.drop(tree.root, 'none'), [])
})

test('one that was found in its new place keeps its number when the old place goes', (t) => {
  const tree = new WatchedTree(0, '/d')
  const a = tree.place(tree.root, 'a', 1)
  tree.place(a, 'deep', 2)
  const b = tree.place(tree.root, 'b', 1)
  t.deepEqual(tree.drop(tree.root, 'a'), [2])
  t.is(tree.of(1), b)
  t.is(tree.of(2), undefined)
})

test('who is found again is who it was; begun anew there is the root alone', (t) => {
  const tree = new WatchedTree(0, '/d')
  const a = tree.place(tree.root, 'a', 1)
  t.is(tree.place(tree.root, 'a', 1), a)
  t.not(tree.place(tree.root, 'a', 2), a)
  t.deepEqual(tree.restart(), [0, 1, 2])
  t.is(tree.size, 1)
  t.deepEqual([tree.root.id, tree.root.path, tree.root.below.size], [0, '/d', 0])
})
