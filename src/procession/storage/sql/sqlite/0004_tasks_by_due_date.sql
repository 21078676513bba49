-- Tasks by urgency: those with a due date, the soonest first, of the same date the newest. Tasks without one cost nothing.

CREATE INDEX task_due ON task (due, id DESC) WHERE due IS NOT NULL;
