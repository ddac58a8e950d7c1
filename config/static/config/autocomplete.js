/* Django uses Select2 for fields that are searched. Select2 gives screen readers no name for the field or its search
   box, and does not focus the search box. This is loaded after Django's own script. */
'use strict';
{
    const $ = django.jQuery;
    const words = document.currentScript.dataset.label;  // “{field}: part of the name”
    $(function() {
        $('select.admin-autocomplete').each(function() {
            const label = document.querySelector(`label[for="${this.id}"]`);
            const shown = document.getElementById(`select2-${this.id}-container`);
            if (!label || !shown) {
                return;
            }
            label.id = label.id || `${this.id}_label`;
            const box = shown.closest('[role="combobox"]');
            box.setAttribute('aria-labelledby', `${label.id} ${shown.id}`);
            box.setAttribute('aria-controls', `select2-${this.id}-results`);
            // It is text in a box, not a field of its own.
            shown.removeAttribute('role');
            shown.removeAttribute('aria-readonly');
            $(this).on('select2:open', function() {
                const field = document.querySelector('.select2-container--open .select2-search__field');
                field.setAttribute('aria-label', words.replace('{field}', label.textContent.replace(':', '').trim()));
                field.focus();
            });
        });
    });
}
