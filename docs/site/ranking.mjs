/** How the search ranks: Starlight's own values, with less for titles. The page asks so, and the check does. */
export const RANKING = {
  pageLength: 0.1,
  termFrequency: 0.1,
  termSaturation: 2,
  termSimilarity: 9,
  metaWeights: { title: 0.2 },
}
