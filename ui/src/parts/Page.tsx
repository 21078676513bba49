/** A page: its title, which is announced and gets the focus when one comes to it, its actions, and what is in it. */
import { Anchor, Breadcrumbs, Group, Title } from '@mantine/core'
import { IconChevronRight } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useEffect, useRef, type ReactNode } from 'react'
import { t } from '../texts'

type Crumb = { label: string; to: string }

type Props = {
  title: string
  /** Beside the title: state, ids, facts. */
  facts?: ReactNode
  crumbs?: Crumb[]
  actions?: ReactNode
  /** Below the title, above what scrolls. */
  bar?: ReactNode
  /** The page fills the window and scrolls inside. */
  fill?: boolean
  children: ReactNode
}

export function Page({ title, facts, crumbs, actions, bar, fill = false, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus({ preventScroll: true }), [])
  useEffect(() => {
    document.title = `${title} · ${t.app.name}`
  }, [title])
  return (
    <div className={fill ? 'page page-fill' : 'page'}>
      <header className="page-head">
        <div className="page-name">
          {crumbs && (
            <Breadcrumbs separator={<IconChevronRight size={12} aria-hidden />} separatorMargin={4} mb={2}>
              {crumbs.map((crumb) => (
                <Anchor key={crumb.to} component={Link} to={crumb.to} size="xs">
                  {crumb.label}
                </Anchor>
              ))}
            </Breadcrumbs>
          )}
          <Group gap="xs" wrap="wrap">
            <Title order={1} ref={heading} tabIndex={-1} className="page-title">
              {title}
            </Title>
            {facts}
          </Group>
        </div>
        {actions && <Group gap="xs" className="page-actions">{actions}</Group>}
      </header>
      {bar}
      <div className="page-body">{children}</div>
    </div>
  )
}
