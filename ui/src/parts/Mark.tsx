/** The project's mark; the same drawing as `public/favicon.svg`. */
export function Mark({ size }: { size: number }) {
  return <img src="/favicon.svg" width={size} height={size} alt="" className="mark" />
}
