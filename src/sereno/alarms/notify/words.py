"""What notices say, in the languages of the pages."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "one": "Alarm, priority {priority}: {alarm}",
        "many": "{count} alarms, the most urgent of priority {priority}",
        "storm": "Many alarms at once: {count}, the most urgent of priority {priority}",
        "digest": "{count} alarms since the last digest",
        "ended": "Over: {alarm}",
        "ended_many": "Over: {count} alarms",
        "step": "Nobody has acknowledged yet",
        "came": "came",
        "gone": "has returned, not acknowledged",
        "times": "{count} times",
        "response": "What to do",
        "more": "and {count} more",
        "link": "To acknowledge, open",
        "again": "This may have reached you before.",
        "test": "Trial notice",
        "test_text": "This is a trial, asked for by {actor}. Nothing is asked of you.",
        "beat": "{plant} is alive",
        "beat_text": "{open} alarms are not normal, {waiting} of them wait to be acknowledged. "
        "The node runs since {since}. "
        "When this message does not come, the node is dead or cannot reach you.",
    },
    "es": {
        "one": "Alarma, prioridad {priority}: {alarm}",
        "many": "{count} alarmas, la más urgente de prioridad {priority}",
        "storm": "Muchas alarmas a la vez: {count}, la más urgente de prioridad {priority}",
        "digest": "{count} alarmas desde el último resumen",
        "ended": "Terminada: {alarm}",
        "ended_many": "Terminadas: {count} alarmas",
        "step": "Nadie la ha reconocido todavía",
        "came": "desde",
        "gone": "ha vuelto a la normalidad sin reconocer",
        "times": "{count} veces",
        "response": "Qué hacer",
        "more": "y {count} más",
        "link": "Para reconocer, abra",
        "again": "Puede que ya haya recibido este aviso.",
        "test": "Aviso de prueba",
        "test_text": "Es una prueba, pedida por {actor}. No se le pide nada.",
        "beat": "{plant} está en marcha",
        "beat_text": "{open} alarmas no están en estado normal, {waiting} esperan ser reconocidas. "
        "El nodo funciona desde {since}. "
        "Si este mensaje no llega, el nodo está parado o no puede alcanzarle.",
    },
    "fr": {
        "one": "Alarme, priorité {priority} : {alarm}",
        "many": "{count} alarmes, la plus urgente de priorité {priority}",
        "storm": "Beaucoup d'alarmes à la fois : {count}, la plus urgente de priorité {priority}",
        "digest": "{count} alarmes depuis le dernier résumé",
        "ended": "Terminée : {alarm}",
        "ended_many": "Terminées : {count} alarmes",
        "step": "Personne n'a encore acquitté",
        "came": "depuis",
        "gone": "revenue à la normale, non acquittée",
        "times": "{count} fois",
        "response": "Que faire",
        "more": "et {count} de plus",
        "link": "Pour acquitter, ouvrez",
        "again": "Il se peut que vous ayez déjà reçu cet avis.",
        "test": "Avis d'essai",
        "test_text": "C'est un essai, demandé par {actor}. Rien ne vous est demandé.",
        "beat": "{plant} est en marche",
        "beat_text": "{open} alarmes ne sont pas normales, {waiting} attendent d'être acquittées. "
        "Le nœud tourne depuis {since}. "
        "Si ce message ne vient pas, le nœud est arrêté ou ne peut pas vous joindre.",
    },
}
