;;; packages.el --- The packages compile without warnings, have tidy comments and autoloads -*- lexical-binding: t -*-

;;; Code:

(require 'checkdoc)
(require 'bytecomp)
(require 'autoload)

(case-run
 (let* ((package (getenv "CASE_PACKAGE"))
        (files (directory-files package t "\\.el\\'"))
        (autoloads (expand-file-name "autoloads.el" (getenv "HOME")))
        (byte-compile-error-on-warn t)
        (byte-compile-dest-file-function
         (lambda (file) (expand-file-name (concat (file-name-nondirectory file) "c") (getenv "HOME"))))
        complaints)
   (case-equal 3 (length files) "files")
   (dolist (file files)
     (unless (byte-compile-file file)
       (case-fail "%s does not compile without warnings" file))
     (let ((checkdoc-create-error-function
            (lambda (text start &rest _)
              (push (format "%s:%s: %s" file (and start (line-number-at-pos start)) text) complaints)
              nil)))
       (with-current-buffer (find-file-noselect file)
         (checkdoc-current-buffer t))))
   (case-equal nil complaints "complaints")
   (let ((generated-autoload-file autoloads)
         (backup-inhibited t))
     (update-directory-autoloads package))
   (let ((text (case-text autoloads)))
     (dolist (name '("bpf-analyzer-c-mode" "bpf-analyzer-explain" "bpf-analyzer-check-project"
                     "bpf-analyzer-eglot-setup" "bpf-analyzer-flymake-setup"))
       (case-matches (format "(autoload '%s " name) text "autoloads")))))

;;; packages.el ends here
