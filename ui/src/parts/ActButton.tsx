/** A button for something that the server allows, or says why not: then it stays where it is, can be reached, and explains itself. */
import { Button, type ButtonProps } from '@mantine/core'
import { useId, type MouseEventHandler, type ReactNode } from 'react'
import { Hint } from './Hint'
import { t } from '../texts'

type Props = ButtonProps & {
  /** As in `allowed` of an answer: true, or the reason why not. */
  allowed: boolean | string | undefined
  onClick?: MouseEventHandler<HTMLButtonElement>
  type?: 'button' | 'submit'
  form?: string
  children: ReactNode
  'aria-keyshortcuts'?: string
}

export function ActButton({ allowed, onClick, children, type = 'button', ...props }: Props) {
  const id = useId()
  if (allowed === true)
    return (
      <Button {...props} type={type} onClick={onClick}>
        {children}
      </Button>
    )
  const reason = t.app.notAllowed(typeof allowed === 'string' ? allowed : t.app.failure.forbidden)
  return (
    <>
      <Hint label={reason}>
        <Button {...props} type="button" aria-disabled data-disabled aria-describedby={id} onClick={(event) => event.preventDefault()}>
          {children}
        </Button>
      </Hint>
      <span id={id} className="unseen">
        {reason}
      </span>
    </>
  )
}
